/** Remembers the answers to writes by the key that their clients gave them. Per instance, in memory, bounded. */

/** An answer to give again. */
export interface StoredAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export interface IdempotencyCacheOptions {
  /** Milliseconds since any fixed moment. */
  readonly now: () => number
  /** How long an answer is kept, in milliseconds. Default 24 hours. */
  readonly keepMs?: number
  /** How many keys are kept at most; the one used longest ago goes first. Default 10,000. */
  readonly maxEntries?: number
  /** How many characters of answers are kept at most. Default 16 Mi. */
  readonly maxCharacters?: number
}

/** What is known of a key. */
export type Known = { readonly state: 'new' | 'running' | 'reused' } | { readonly state: 'done'; readonly answer: StoredAnswer }

interface Entry {
  readonly fingerprint: string
  readonly expiresAt: number
  answer: StoredAnswer | undefined
}

export class IdempotencyCache {
  readonly #options: Required<IdempotencyCacheOptions>
  // Oldest use first: a Map keeps the order in which keys were set.
  readonly #entries = new Map<string, Entry>()
  #characters = 0

  constructor(options: IdempotencyCacheOptions) {
    this.#options = { keepMs: 86_400_000, maxEntries: 10_000, maxCharacters: 16_777_216, ...options }
  }

  /**
   * Begins a request. `new`: go on, and call `finish` or `forget`. `running`: the same request has not been answered yet. `done`: give
   * its answer again. `reused`: the key was given to another request (another `fingerprint`).
   */
  begin(key: string, fingerprint: string): Known {
    const now = this.#options.now()
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.expiresAt <= now) {
      this.forget(key)
      this.#entries.set(key, { fingerprint, expiresAt: now + this.#options.keepMs, answer: undefined })
      this.#shrink()
      return { state: 'new' }
    }
    if (entry.fingerprint !== fingerprint) return { state: 'reused' }
    if (entry.answer === undefined) return { state: 'running' }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return { state: 'done', answer: entry.answer }
  }

  /** Keeps the answer for the next request with this key. */
  finish(key: string, answer: StoredAnswer): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    entry.answer = answer
    this.#characters += answer.body.length
    this.#shrink()
  }

  /** Forgets the key: the next request with it is a new one. */
  forget(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#characters -= entry.answer?.body.length ?? 0
    this.#entries.delete(key)
  }

  #shrink(): void {
    const { maxEntries, maxCharacters } = this.#options
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= maxEntries && this.#characters <= maxCharacters) return
      this.forget(key)
    }
  }
}
