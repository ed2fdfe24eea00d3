/** A TCP proxy for a test: connections through it can be cut, or fall silent without a FIN as on a network that is gone. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Transform } from 'node:stream'
import type { Test } from 'tap'
import { reset } from './reset.ts'

export interface ProxiedConnection {
  /** Nothing goes through any more, either way; both ends stay open. */
  silence(): void
  /** What was held back goes through, and what follows. */
  release(): void
}

export interface TcpProxy {
  readonly port: number
  /** Those that were made so far, oldest first, without those that have ended. */
  readonly connections: readonly ProxiedConnection[]
  /** Silences all connections, those that are yet to come too. */
  silence(): void
  release(): void
  /** Connections that are yet to come are let through again; those that are silent stay so for ever. */
  forget(): void
  /** Resets all connections. */
  cut(): void
  /** Resets all connections, those that are yet to come too, until `open`. */
  shut(): void
  open(): void
}

/** Starts a proxy before `targetPort` of 127.0.0.1. Of `toClient` each connection has its own, between the target and the client. */
export async function startTcpProxy(t: Pick<Test, 'teardown'>, targetPort: number, toClient?: () => Transform): Promise<TcpProxy> {
  const pairs = new Map<ProxiedConnection, Socket>()
  let isSilent = false
  let isShut = false
  const server = createServer(client => {
    if (isShut) return void client.resetAndDestroy()
    const target = connect(targetPort, '127.0.0.1')
    const filter = toClient?.()
    filter?.pipe(client)
    for (const socket of [client, target]) socket.setNoDelay()
    const both = [client, target] as const
    const silence = (): void => {
      client.unpipe(target)
      target.unpipe(filter ?? client)
      for (const socket of both) socket.pause()
    }
    const release = (): void => {
      client.pipe(target)
      target.pipe(filter ?? client)
    }
    const connection = { silence, release }
    pairs.set(connection, client)
    for (const [one, other] of [both, [target, client]] as const) {
      one.on('error', () => {})
      one.on('close', () => {
        pairs.delete(connection)
        other.destroy()
      })
    }
    if (!isSilent) release()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const client of pairs.values()) reset(client)
  }
  t.teardown(() => {
    cut()
    server.close()
  })
  const { port } = server.address() as { port: number }
  return {
    port,
    get connections() {
      return [...pairs.keys()]
    },
    silence() {
      isSilent = true
      for (const connection of pairs.keys()) connection.silence()
    },
    release() {
      isSilent = false
      for (const connection of pairs.keys()) connection.release()
    },
    forget: () => {
      isSilent = false
    },
    cut,
    shut() {
      isShut = true
      cut()
    },
    open: () => {
      isShut = false
    }
  }
}
