/** One source and what is believed of it: the last list that it told, and an empty one only when it says so twice. */
import type { CompiledDiscovery, DiscoveredTarget } from '../core/discovery.ts'
import type { OpenSource } from './open-source.ts'
import type { DiscoverySource } from './source.ts'

export interface FollowedEvents {
  /** Other targets than before. */
  onTargets(targets: readonly DiscoveredTarget[]): void
  /** The source does not answer any more, or does again. */
  onState(isUp: boolean, error: string | undefined): void
}

/** How long after an empty answer the source is asked again, in milliseconds. */
const confirmMs = 300

export class FollowedSource {
  readonly discovery: CompiledDiscovery
  readonly #events: FollowedEvents
  readonly #source: DiscoverySource
  #targets: readonly DiscoveredTarget[] = []
  // The first answer is told whatever it is.
  #known = ''
  #error: string | undefined
  #answeredMs: number | undefined
  #isDoubted = false
  #confirming: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(discovery: CompiledDiscovery, open: OpenSource, events: FollowedEvents) {
    this.discovery = discovery
    this.#events = events
    this.#source = open(discovery.item, {
      onTargets: targets => this.#answered(targets),
      onTrouble: error => this.#failed(error.message)
    })
  }

  get targets(): readonly DiscoveredTarget[] {
    return this.#targets
  }

  /** Why it does not answer; undefined when it does, or was not heard of yet. */
  get error(): string | undefined {
    return this.#error
  }

  get isUp(): boolean {
    return this.#answeredMs !== undefined && this.#error === undefined
  }

  /** Milliseconds since the epoch. */
  get answeredMs(): number | undefined {
    return this.#answeredMs
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#confirming)
    await this.#source.close()
  }

  #answered(targets: readonly DiscoveredTarget[]): void {
    if (this.#isClosed) return
    const wasUp = this.isUp
    this.#answeredMs = Date.now()
    this.#error = undefined
    if (!wasUp) this.#events.onState(true, undefined)
    if (targets.length > 0 || this.#targets.length === 0 || this.discovery.item.allow_empty === true || this.#isConfirmed()) {
      this.#forgetDoubt()
      this.#take(targets)
    }
  }

  // A registry that has lost its data answers, too: all targets at once are seldom gone.
  #isConfirmed(): boolean {
    if (this.#isDoubted) return this.#confirming === undefined
    this.#isDoubted = true
    this.#confirming = setTimeout(() => {
      this.#confirming = undefined
      this.#source.refresh()
    }, confirmMs).unref()
    return false
  }

  #take(targets: readonly DiscoveredTarget[]): void {
    // In one order: sources answer in any, and a new order is no change.
    const sorted = [...targets].sort((a, b) => (a.url < b.url ? -1 : a.url > b.url ? 1 : a.weight - b.weight))
    const known = JSON.stringify(sorted)
    if (known === this.#known) return
    this.#known = known
    this.#targets = sorted
    this.#events.onTargets(sorted)
  }

  #failed(reason: string): void {
    if (this.#isClosed) return
    // What was doubted stays in use: the next answer begins anew.
    this.#forgetDoubt()
    const wasDown = this.#error !== undefined
    this.#error = reason
    if (!wasDown) this.#events.onState(false, reason)
  }

  #forgetDoubt(): void {
    clearTimeout(this.#confirming)
    this.#confirming = undefined
    this.#isDoubted = false
  }
}
