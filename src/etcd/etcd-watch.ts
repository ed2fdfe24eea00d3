import { setTimeout as delay } from 'node:timers/promises'
import { silenceMs, within } from './deadline.ts'
import type { EtcdClient, EtcdStream } from './etcd-client.ts'
import { type EtcdEntry, encode, type KeyRange, toEntry } from './etcd-kv.ts'

/** A key that was written or deleted. The value of a deleted one is empty. */
export interface EtcdEvent extends EtcdEntry {
  readonly deleted: boolean
}

/** What a watch tells its owner. */
export interface EtcdWatchEvents {
  /** Watching. `isGapless`: nothing was missed since the time before; otherwise everything may have happened. */
  readonly onWatching: (isGapless: boolean) => void
  /** Nothing arrives any more; the next attempt is under way. */
  readonly onLost: (reason: string) => void
  /** In order; those of one transaction together. */
  readonly onEvents: (events: readonly EtcdEvent[]) => void
}

/** A stream that tells nothing is replaced after this time, in milliseconds: whether a silent peer is still there shows by asking it something. */
const renewMs = 3_000
const maxBackoffMs = 250

/** An answer of `/v3/watch`. */
interface WatchAnswer {
  readonly result?: {
    readonly header?: { readonly revision?: string }
    readonly created?: boolean
    readonly canceled?: boolean
    readonly compact_revision?: string
    readonly cancel_reason?: string
    readonly events?: readonly { readonly type?: string; readonly kv: unknown }[]
  }
  readonly error?: { readonly message?: string }
}

/** Watches a range of keys and goes on where it was, whatever happens, until it is closed. */
export function openEtcdWatch(client: EtcdClient, range: KeyRange, events: EtcdWatchEvents): { close(): Promise<void> } {
  const stopped = new AbortController()
  const done = run(new Watch(client, range, events), events, stopped.signal)
  return {
    async close() {
      stopped.abort()
      await done
    }
  }
}

async function run(watch: Watch, events: EtcdWatchEvents, signal: AbortSignal): Promise<void> {
  let failures = 0
  while (!signal.aborted) {
    try {
      await watch.round(signal, () => (failures = 0))
    } catch (error) {
      if (signal.aborted) return
      watch.lost()
      events.onLost(error instanceof Error ? error.message : String(error))
      failures += 1
      await delay(Math.min(failures * 50, maxBackoffMs), undefined, { signal }).catch(() => {})
    }
  }
}

class Watch {
  readonly #client: EtcdClient
  readonly #range: KeyRange
  readonly #events: EtcdWatchEvents
  /** The revision of etcd from which events are still to come; undefined: from now on. */
  #next: number | undefined
  #isWatching = false

  constructor(client: EtcdClient, range: KeyRange, events: EtcdWatchEvents) {
    this.#client = client
    this.#range = range
    this.#events = events
  }

  lost(): void {
    this.#isWatching = false
  }

  /** One stream, until it is silent for a while or a new one is needed. Rejects when the server fails. */
  async round(signal: AbortSignal, onCreated: () => void): Promise<void> {
    const stream = await this.#client.stream('/v3/watch', {
      create_request: {
        key: encode(this.#range.from),
        range_end: encode(this.#range.to),
        ...(this.#next === undefined ? {} : { start_revision: String(this.#next) })
      }
    })
    const stop = (): void => stream.close()
    signal.addEventListener('abort', stop)
    try {
      signal.throwIfAborted()
      await this.#follow(stream, onCreated)
    } catch (error) {
      stream.leave()
      throw error
    } finally {
      signal.removeEventListener('abort', stop)
      stream.close()
    }
  }

  async #follow(stream: EtcdStream, onCreated: () => void): Promise<void> {
    const messages = stream.messages[Symbol.asyncIterator]()
    const begun = await within(silenceMs, 'the server did not answer in time', messages.next())
    if (!this.#created(begun.value as WatchAnswer)) return
    onCreated()
    while (true) {
      const answer = await silent(messages.next())
      // Silence is no failure: the next stream goes on where this one ends.
      if (answer === undefined || !this.#take(answer as WatchAnswer)) return
    }
  }

  /** @returns whether the stream can be followed */
  #created({ result, error }: WatchAnswer): boolean {
    if (error !== undefined || result?.created !== true)
      throw new Error(error?.message ?? 'the server answered a watch with something else')
    const now = Number(result.header?.revision)
    // An etcd that is behind what it told before has lost its data: it would be silent until it is there again.
    const isBehind = this.#next !== undefined && now < this.#next - 1
    const isGapless = this.#next !== undefined && !isBehind
    if (isBehind) {
      this.#next = undefined
      return false
    }
    this.#next ??= now + 1
    if (!this.#isWatching || !isGapless) {
      this.#isWatching = true
      this.#events.onWatching(isGapless)
    }
    return true
  }

  /** @returns whether the stream goes on */
  #take({ result, error }: WatchAnswer): boolean {
    if (error !== undefined || result === undefined) throw new Error(error?.message ?? 'the server answered a watch with something else')
    if (result.canceled) {
      // What was to be told is compacted away, or the watch was refused.
      if (result.compact_revision === undefined) throw new Error(result.cancel_reason ?? 'the server ended the watch')
      this.#next = undefined
      return false
    }
    const events = (result.events ?? []).map(({ type, kv }): EtcdEvent => ({ ...toEntry(kv), deleted: type === 'DELETE' }))
    const last = events.at(-1)
    if (last === undefined) return true
    this.#next = last.modRevision + 1
    this.#events.onEvents(events)
    return true
  }
}

/** The next message, or undefined after some silence. */
async function silent(next: Promise<IteratorResult<unknown>>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<undefined>(resolve => {
    timer = setTimeout(() => resolve(undefined), renewMs)
  })
  // Given up, it rejects when the stream is closed.
  next.catch(() => {})
  try {
    return (await Promise.race([next, silence]))?.value
  } finally {
    clearTimeout(timer)
  }
}
