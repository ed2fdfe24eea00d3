/** The way from one gateway to Redis, on which everything can go wrong that goes wrong on networks. */
import { Transform, type TransformCallback } from 'node:stream'
import type { Teardown } from '../../test/helpers/gateway.ts'
import { startTcpProxy, type TcpProxy } from '../../test/helpers/tcp-proxy.ts'
import { isPublished, messageEnd } from './resp.ts'

export interface Wire extends Pick<TcpProxy, 'silence' | 'forget' | 'cut' | 'shut' | 'open'> {
  /** What a gateway has as its store. */
  readonly url: string
  /** This share of the notices is lost, 0 to 1. */
  dropNotices(share: number): void
  /** How many were lost. */
  readonly dropped: number
  /** Every answer comes so much later, in milliseconds. */
  delay(ms: number): void
}

interface Conditions {
  dropShare: number
  delayMs: number
  seen: number
  dropped: number
}

export async function startWire(t: Teardown, redisPort: number): Promise<Wire> {
  const conditions: Conditions = { dropShare: 0, delayMs: 0, seen: 0, dropped: 0 }
  const { port, silence, forget, cut, shut, open } = await startTcpProxy(t, redisPort, () => new ServerSide(conditions))
  return {
    url: `redis://127.0.0.1:${port}`,
    silence,
    forget,
    cut,
    shut,
    open,
    dropNotices(share) {
      conditions.dropShare = share
    },
    get dropped() {
      return conditions.dropped
    },
    delay(ms) {
      conditions.delayMs = ms
    }
  }
}

// What gateways tell each other of targets is no notice of a change.
function isOfHealth(message: Buffer): boolean {
  return /:health\r\n/.test(message.toString('latin1', 0, 160))
}

/** What the server says on one connection, on its way. */
class ServerSide extends Transform {
  readonly #conditions: Conditions
  #rest: Buffer = Buffer.alloc(0)
  readonly #held: { readonly bytes: Buffer; readonly dueMs: number }[] = []

  constructor(conditions: Conditions) {
    super()
    this.#conditions = conditions
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    const kept: Buffer[] = []
    let at = 0
    for (let end = messageEnd(this.#rest, at); end !== undefined; end = at === this.#rest.length ? undefined : messageEnd(this.#rest, at)) {
      const message = this.#rest.subarray(at, end)
      if (!this.#isLost(message)) kept.push(message)
      at = end
    }
    this.#rest = this.#rest.subarray(at)
    this.#send(Buffer.concat(kept))
    done()
  }

  // Evenly: with a share of 0.1, every tenth.
  #isLost(message: Buffer): boolean {
    const conditions = this.#conditions
    if (conditions.dropShare === 0 || !isPublished(message) || isOfHealth(message)) return false
    const isLost = Math.floor(++conditions.seen * conditions.dropShare) > Math.floor((conditions.seen - 1) * conditions.dropShare)
    if (isLost) conditions.dropped++
    return isLost
  }

  // Whatever the delay is changed to, nothing overtakes what came before it.
  #send(bytes: Buffer): void {
    this.#held.push({ bytes, dueMs: performance.now() + this.#conditions.delayMs })
    if (this.#held.length === 1) this.#release()
  }

  #release(): void {
    for (let next = this.#held[0]; next !== undefined; next = this.#held[0]) {
      const waitMs = next.dueMs - performance.now()
      if (waitMs > 0) return void setTimeout(() => this.#release(), waitMs)
      this.#held.shift()
      if (!this.destroyed && !this.writableEnded) this.push(next.bytes)
    }
  }
}
