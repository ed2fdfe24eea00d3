/** A breaker written down the slow and plain way: every request is kept, and everything is worked out anew from that. */
import type { BreakerMode, BreakerOutcome, BreakerPolicy } from '../../src/core/breaker.ts'

interface Sent {
  readonly ticket: number
  readonly generation: number
  readonly beganMs: number
  hasAnswered: boolean
  /** Of a probe: whether its place is taken. */
  holdsPlace: boolean
  end: { readonly slice: number; readonly isFailure: boolean; readonly isSlow: boolean } | undefined
}

export class BreakerModel {
  readonly #policy: BreakerPolicy
  readonly #sent: Sent[] = []
  state: 'closed' | 'half_open' | 'open' = 'closed'
  #mode: BreakerMode = 'auto'
  #generation = 0
  #openedMs = 0
  #successes = 0
  /** Whether each counted request failed, in order. */
  #row: boolean[] = []
  #countedFrom = 0

  constructor(policy: BreakerPolicy) {
    this.#policy = policy
  }

  look(nowMs: number): void {
    if (this.#mode !== 'auto') return
    if (this.state === 'open' && nowMs - this.#openedMs >= this.#policy.timeoutMs) return this.#enter('half_open')
    if (this.state !== 'half_open') return
    for (const probe of this.#probes) {
      if (nowMs - probe.beganMs < this.#policy.timeoutMs) continue
      probe.holdsPlace = false
      if (probe.hasAnswered && this.state === 'half_open') this.#succeed()
    }
  }

  allows(nowMs: number): boolean {
    this.look(nowMs)
    if (this.state === 'half_open') return this.#probes.length + this.#successes < this.#policy.maxRequests
    return this.state === 'closed'
  }

  begin(ticket: number, nowMs: number): void {
    const holdsPlace = this.state === 'half_open'
    this.#sent.push({ ticket, generation: this.#generation, beganMs: nowMs, hasAnswered: false, holdsPlace, end: undefined })
  }

  answered(ticket: number): void {
    const sent = this.#sent.find(one => one.ticket === ticket)
    if (sent?.holdsPlace === true) sent.hasAnswered = true
  }

  end(ticket: number, outcome: BreakerOutcome, tookMs: number, nowMs: number): void {
    this.look(nowMs)
    const sent = this.#sent.find(one => one.ticket === ticket)!
    const { slowMs, slowRate } = this.#policy.readyToTrip
    const isSlow = slowMs !== null && tookMs >= slowMs
    if (this.#mode !== 'auto' || sent.generation !== this.#generation) return
    if (this.state === 'half_open') {
      if (!sent.holdsPlace) return
      sent.holdsPlace = false
      if (outcome === 'failure' || (outcome === 'success' && isSlow && slowRate !== null)) this.#open(nowMs)
      else if (outcome === 'success') this.#succeed()
    } else if (this.state === 'closed' && outcome !== 'ignored') {
      sent.end = { slice: Math.floor(nowMs / (this.#policy.intervalMs / 10)), isFailure: outcome === 'failure', isSlow }
      this.#row.push(outcome === 'failure')
      if (this.#trips(nowMs)) this.#open(nowMs)
    }
  }

  force(mode: BreakerMode, nowMs: number): void {
    this.look(nowMs)
    if (mode === this.#mode) return
    this.#mode = mode
    this.#row = []
    this.#enter(mode === 'open' ? 'open' : 'closed')
  }

  /** Requests that ended within the window, as far as they were counted since it was last closed anew. */
  window(nowMs: number): { requests: number; failures: number; slow: number } {
    const now = Math.floor(nowMs / (this.#policy.intervalMs / 10))
    const ends = this.#sent.flatMap(({ end, generation }) => (end !== undefined && generation >= this.#countedFrom ? [end] : []))
    const within = ends.filter(({ slice }) => slice > now - 10)
    return {
      requests: within.length,
      failures: within.filter(({ isFailure }) => isFailure).length,
      slow: within.filter(({ isSlow }) => isSlow).length
    }
  }

  #trips(nowMs: number): boolean {
    const { consecutiveFailures, errorRate, slowRate, minRequests } = this.#policy.readyToTrip
    const row = this.#row.length - 1 - this.#row.lastIndexOf(false)
    if (consecutiveFailures !== null && row >= consecutiveFailures) return true
    const { requests, failures, slow } = this.window(nowMs)
    if (requests < minRequests) return false
    return (errorRate !== null && failures / requests >= errorRate) || (slowRate !== null && slow / requests >= slowRate)
  }

  get #probes(): Sent[] {
    return this.#sent.filter(({ holdsPlace }) => holdsPlace)
  }

  #succeed(): void {
    this.#successes++
    if (this.#successes < this.#policy.maxRequests) return
    this.#row = []
    this.#enter('closed')
  }

  #open(nowMs: number): void {
    this.#openedMs = nowMs
    this.#enter('open')
  }

  #enter(state: 'closed' | 'half_open' | 'open'): void {
    this.state = state
    this.#generation++
    this.#successes = 0
    for (const sent of this.#sent) sent.holdsPlace = false
    if (state === 'closed' || this.#mode !== 'auto') this.#countedFrom = this.#generation
  }
}
