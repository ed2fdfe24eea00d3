/** One reader of the event feed, as a stream of server-sent events (HTML living standard, section 9.2). */
import { Readable } from 'node:stream'
import { commitEvent, type EventFeed, type FeedEvent, resyncEvent } from './event-feed.ts'
import type { History } from './history.ts'
import type { LiveConfig } from './live-config.ts'
import { toRevisionSummary } from './revision-view.ts'

export interface EventStreamOptions {
  readonly feed: EventFeed
  readonly live: LiveConfig
  readonly history: History
  /** The last revision that the reader saw, when it comes back: it is told what happened since. */
  readonly after?: number
  /** How often something is said at least, in milliseconds. Default 15,000. */
  readonly beatMs?: number
  /** How much may wait for a reader that does not read, in bytes. Default 1 MiB. */
  readonly maxBytes?: number
}

/** How long a reader is asked to wait before it comes back, in milliseconds. */
const retryMs = 1000
/** What was missed is told as fast as it is read, with so many bytes waiting. */
const highWaterMark = 65_536
/** How much may happen while somebody is told what was missed. */
const maxWaiting = 10_000

/**
 * Runs until it is destroyed; `stop` ends it well. A reader that is too slow is cut off: it comes back, says what it saw last, and is told
 * the rest.
 */
export class EventStream extends Readable {
  readonly #options: Required<Omit<EventStreamOptions, 'after'>>
  readonly #unsubscribe: () => void
  readonly #timer: NodeJS.Timeout
  // What happens while the history is read.
  #waiting: FeedEvent[] | undefined = []
  #wanted: () => void = () => {}
  #seen: number
  #stopped = false

  constructor({ after, ...options }: EventStreamOptions) {
    super({ highWaterMark })
    this.#options = { beatMs: 15_000, maxBytes: 1_048_576, ...options }
    const { feed, beatMs } = this.#options
    this.#unsubscribe = feed.subscribe(event => this.#take(event))
    this.#timer = setInterval(() => this.#write(':\n\n'), beatMs)
    this.#seen = after ?? this.#revision
    // Without data it is no event: it tells a new reader where it stands.
    this.#write(`retry: ${retryMs}\n${after === undefined ? `id: ${this.#seen}\n` : ''}\n`)
    if (after === undefined) this.#begin()
    else void this.#resume(after)
  }

  override _read(): void {
    this.#wanted()
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#release()
    callback(error)
  }

  /** Ends the answer after what was said. */
  stop(): void {
    this.#release()
    if (!this.destroyed) this.push(null)
  }

  #release(): void {
    this.#stopped = true
    this.#unsubscribe()
    clearInterval(this.#timer)
    this.#wanted()
  }

  get #revision(): number {
    return this.#options.live.state?.revision ?? 0
  }

  async #resume(after: number): Promise<void> {
    const { live, history } = this.#options
    const revision = this.#revision
    // A reader from another past, or after the history was cut: it is told that it missed something.
    const missed = after > revision ? undefined : await history.between(after, revision).catch(() => undefined)
    if (missed === undefined) this.#send(resyncEvent(revision, live.source))
    else
      for (const commit of missed) {
        await this.#room()
        this.#send(commitEvent(toRevisionSummary(commit), 'store'))
      }
    this.#begin()
  }

  // Resolves when the reader takes more. Whoever missed much is not slow yet.
  async #room(): Promise<void> {
    while (this.readableLength >= highWaterMark && !this.#stopped)
      await new Promise<void>(resolve => {
        this.#wanted = resolve
      })
  }

  #begin(): void {
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const event of waiting) if (event.event !== 'commit' || (event.revision ?? 0) > this.#seen) this.#send(event)
  }

  #take(event: FeedEvent): void {
    if (this.#waiting === undefined) this.#send(event)
    else if (this.#waiting.push(event) > maxWaiting) this.destroy()
  }

  #send({ event, data, revision }: FeedEvent): void {
    if (revision !== undefined) this.#seen = revision
    this.#write(`event: ${event}\n${revision === undefined ? '' : `id: ${revision}\n`}data: ${JSON.stringify(data)}\n\n`)
  }

  #write(text: string): void {
    if (this.#stopped) return
    const bytes = Buffer.from(text)
    if (this.readableLength + bytes.length > this.#options.maxBytes) this.destroy()
    else this.push(bytes)
  }
}
