/** Says what is new at once, and often is too often: the first word goes out without delay, what follows shortly after goes out as one. */

export interface AnnouncerOptions {
  /** Says how things stand when it is called. A failure is not told: what comes next says it all again. */
  readonly send: () => Promise<void>
  /** At least so long between two, in milliseconds. */
  readonly gapMs: number
}

export class Announcer {
  readonly #options: AnnouncerOptions
  #sending: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #isDirty = false
  #sentAt = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(options: AnnouncerOptions) {
    this.#options = options
  }

  /** Something is new. */
  touch(): void {
    this.#isDirty = true
    if (this.#sending !== undefined || this.#timer !== undefined || this.#closed) return
    const waitMs = this.#sentAt + this.#options.gapMs - performance.now()
    if (waitMs <= 0) this.#send()
    else this.#timer = setTimeout(() => this.#send(), waitMs)
  }

  /** Says how things stand now, and resolves when that was said or failed. */
  async flush(): Promise<void> {
    while (this.#sending !== undefined) await this.#sending
    if (!this.#closed) this.#send()
    await this.#sending
  }

  /** Nothing is said any more; resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#sending
  }

  #send(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isDirty = false
    this.#sentAt = performance.now()
    const sending = this.#options
      .send()
      .catch(() => undefined)
      .finally(() => {
        if (this.#sending !== sending) return
        this.#sending = undefined
        if (this.#isDirty) this.touch()
      })
    this.#sending = sending
  }
}
