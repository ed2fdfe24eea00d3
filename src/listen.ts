/** Where the two planes listen, and what is said when they cannot. */
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { Logger } from 'pino'
import { type Settings, SettingsError } from './settings.ts'

const portsOfRoot = 1024

/** Listens on `settings.port`; without one on 80, or on 8080 where that is not permitted. @throws {SettingsError} */
export async function listenProxy(app: FastifyInstance, { host, port }: Settings, logger: Logger): Promise<string> {
  if (port !== undefined) return listen(app, host, port, 'SLUICE_PORT')
  try {
    return await app.listen({ host, port: 80 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EACCES') throw toSettingsError(error, host, 80, 'SLUICE_PORT')
    logger.warn(`port 80 is below ${portsOfRoot} and not permitted to this user: listening on 8080 instead (set SLUICE_PORT to choose)`)
    return listen(app, host, 8080, 'SLUICE_PORT')
  }
}

/** Listens with TLS on `settings.tlsPort`. @throws {SettingsError} */
export async function listenSecure(app: FastifyInstance, { host, tlsPort = 443 }: Settings): Promise<string> {
  const url = await listen(app, host, tlsPort, 'SLUICE_TLS_PORT')
  // Fastify does not see that the server it was given speaks TLS.
  return url.replace(/^http:/, 'https:')
}

/** Listens and resolves with the URL. `name` is the setting that the port came from. @throws {SettingsError} */
export async function listen(app: FastifyInstance, host: string, port: number, name: string): Promise<string> {
  try {
    return await app.listen({ host, port })
  } catch (error) {
    throw toSettingsError(error, host, port, name)
  }
}

/** Whether the port can be had now. @throws {SettingsError} when it cannot */
export async function checkPort(host: string, port: number, name: string): Promise<void> {
  const server = createServer()
  try {
    await once(server.listen({ host, port, exclusive: true }), 'listening')
  } catch (error) {
    throw toSettingsError(error, host, port, name)
  }
  await once(server.close(), 'close')
}

function toSettingsError(error: unknown, host: string, port: number, name: string): Error {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') return new SettingsError(`${name}: port ${port} on ${host} is in use by another process`)
  if (code === 'EACCES') return new SettingsError(`${name}: port ${port} is not permitted to this user`)
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return new SettingsError(`${name}: ${host} is not an address of this machine`)
  return error as Error
}
