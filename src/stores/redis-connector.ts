import { createConnection, Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { AbstractConnector } from 'ioredis'
import { type HostPort, hostPortText } from './host-port.ts'
import type { RedisLocator } from './redis-locator.ts'

/** A way for ioredis to connect: to wherever `locator` says at the time. */
export interface LocatedConnector {
  /** For the option `Connector`. */
  readonly Connector: new () => AbstractConnector
  /** The server of the last attempt; undefined before one was found. */
  readonly node: HostPort | undefined
  /** Whether another server is the right one by now. Rejects when none of those that know answers. */
  hasMoved(): Promise<boolean>
  /** Ends what is under way. */
  stop(): void
}

/**
 * ioredis has connectors of its own for Sentinel and Cluster. The first goes on without a word while no Sentinel answers, the second sends a
 * command again whose answer was lost, so that a commit would be made twice. With this one both are a plain connection.
 */
export function createConnector(locator: RedisLocator, { tls }: { readonly tls: boolean }): LocatedConnector {
  const stopped = new AbortController()
  let node: HostPort | undefined

  class Connector extends AbstractConnector {
    constructor() {
      super(50)
    }

    // A server that was a master and is a replica now must not be written to, nor believed.
    override check(info: { readonly role?: string }): boolean {
      return info.role === undefined || info.role === 'master'
    }

    override async connect(): Promise<Socket> {
      this.connecting = true
      try {
        node = await locator.locate(stopped.signal)
      } catch (error) {
        // A rejection would be the end; a stream that is broken from the start is a failed attempt, and the next one comes.
        this.firstError = error as Error
        return new Socket().destroy()
      }
      if (!this.connecting) throw new Error('Connection is closed.')
      const stream = tls ? connectTls(node) : createConnection(node)
      stream.once('error', error => (this.firstError = error))
      this.stream = stream
      return stream
    }
  }

  return {
    Connector,
    get node() {
      return node
    },
    async hasMoved() {
      const found = await locator.locate(stopped.signal)
      return node !== undefined && hostPortText(found) !== hostPortText(node)
    },
    stop: () => stopped.abort()
  }
}
