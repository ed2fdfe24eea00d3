/** A TCP proxy for a test: connections through it can be cut, or fall silent without a FIN as on a network that is gone. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { Test } from 'tap'

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
  /** Resets all connections. */
  cut(): void
}

/** Starts a proxy before `targetPort` of 127.0.0.1. */
export async function startTcpProxy(t: Pick<Test, 'teardown'>, targetPort: number): Promise<TcpProxy> {
  const pairs = new Map<ProxiedConnection, Socket>()
  let isSilent = false
  const server = createServer(client => {
    const target = connect(targetPort, '127.0.0.1')
    const both = [client, target] as const
    const silence = (): void => {
      client.unpipe(target)
      target.unpipe(client)
      for (const socket of both) socket.pause()
    }
    const release = (): void => {
      client.pipe(target)
      target.pipe(client)
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
    for (const client of pairs.values()) client.resetAndDestroy()
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
    cut
  }
}
