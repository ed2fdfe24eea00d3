/** Instances that lease from one central counter, simulated: no clock but that of the simulation, every message takes its time, some are lost. */

import { createDecision } from '../../../src/core/limit/decision.ts'
import type { LeaseAnswer, LeaseAsk } from '../../../src/core/limit/lease-ask.ts'
import type { LeasedAlgorithm } from '../../../src/core/limit/lease-bounds.ts'
import { LeaseTable } from '../../../src/core/limit/lease-table.ts'
import type { LimitSpec } from '../../../src/core/limit/spec.ts'

/** What becomes of one message: how long each way takes, and whether it arrives. */
export interface Passage {
  readonly thereMs: number
  readonly backMs: number
  readonly lost: 'no' | 'ask' | 'answer'
}

export interface ClusterArrival {
  readonly gapMs: number
  readonly instance: number
}

const leaseMs = 500
const patienceMs = 50

/** As `src/limits/limit-lease.lua`, for one key. */
class Central {
  readonly #algorithm: LeasedAlgorithm
  readonly #spec: LimitSpec
  #level = 0
  #before = 0
  #sinceMs = 0

  constructor(algorithm: LeasedAlgorithm, spec: LimitSpec) {
    this.#algorithm = algorithm
    this.#spec = spec
  }

  ask({ debt, unused, window, wanted }: LeaseAsk, nowMs: number): LeaseAnswer {
    this.#roll(nowMs)
    if (this.#algorithm === 'token_bucket' || window === this.#sinceMs) this.#level = Math.max(0, this.#level - unused)
    else if (window === this.#sinceMs - this.#spec.windowMs) this.#before = Math.max(0, this.#before - unused)
    this.#level += debt
    const granted = Math.min(wanted, Math.max(0, Math.floor(this.#room(nowMs) + 1e-6)))
    this.#level += granted
    const room = this.#room(nowMs)
    const isBucket = this.#algorithm === 'token_bucket'
    const edgeMs = isBucket ? 0 : this.#sinceMs + this.#spec.windowMs - nowMs
    return {
      granted,
      room,
      window: isBucket ? 0 : this.#sinceMs,
      validMs: isBucket ? leaseMs : Math.min(leaseMs, edgeMs),
      edgeMs,
      retryMs: room >= 1 - 1e-6 ? 0 : this.#retryMs(room, nowMs)
    }
  }

  #roll(nowMs: number): void {
    const { limit, windowMs } = this.#spec
    if (this.#algorithm === 'token_bucket') {
      this.#level = Math.max(0, this.#level - ((nowMs - this.#sinceMs) * limit) / windowMs)
      this.#sinceMs = nowMs
      return
    }
    const start = Math.floor(nowMs / windowMs) * windowMs
    const passed = Math.round((start - this.#sinceMs) / windowMs)
    if (passed === 0) return
    this.#before = passed === 1 ? this.#level : 0
    this.#level = this.#algorithm === 'fixed_window' ? Math.max(0, this.#level - passed * limit) : 0
    this.#sinceMs = start
  }

  #room(nowMs: number): number {
    const { burst, windowMs } = this.#spec
    const past = this.#algorithm === 'sliding_window' ? this.#before * (1 - (nowMs - this.#sinceMs) / windowMs) : 0
    return burst - this.#level - past
  }

  #retryMs(room: number, nowMs: number): number {
    const { limit, windowMs } = this.#spec
    if (this.#algorithm === 'token_bucket') return ((1 - room) * windowMs) / limit
    const leftMs = this.#sinceMs + windowMs - nowMs
    if (this.#algorithm === 'fixed_window') return leftMs + windowMs * Math.max(0, Math.ceil((1 - room) / limit) - 1)
    const wanted = limit - 1
    if (this.#level <= wanted) return Math.max(0, windowMs * (1 - (wanted - this.#level) / this.#before) - (nowMs - this.#sinceMs))
    return leftMs + windowMs * (1 - wanted / this.#level)
  }
}

/** Runs the arrivals through a cluster. Returns when a request was let through. */
export function runCluster(
  algorithm: LeasedAlgorithm,
  spec: LimitSpec,
  instances: number,
  arrivals: readonly ClusterArrival[],
  nextPassage: () => Passage
): readonly number[] {
  const central = new Central(algorithm, spec)
  const events: { readonly atMs: number; readonly run: (nowMs: number) => void }[] = []
  const at = (atMs: number, run: (nowMs: number) => void): void => {
    const place = events.findLastIndex(event => event.atMs <= atMs)
    events.splice(place + 1, 0, { atMs, run })
  }
  const ask = (table: LeaseTable, ask: LeaseAsk, nowMs: number, clockMs: number): void => {
    const { thereMs, backMs, lost } = nextPassage()
    if (lost !== 'no') at(nowMs + patienceMs, () => table.failed(ask))
    if (lost === 'ask') return
    at(nowMs + thereMs, arrivedMs => {
      const answer = central.ask(ask, arrivedMs)
      if (lost === 'no') at(arrivedMs + backMs, backMs => table.answered(ask, answer, backMs + clockMs))
    })
  }
  const tables = Array.from({ length: instances }, (_, index) => {
    // Every instance has a clock of its own, and they agree in nothing.
    const clockMs = index * 3_600_000
    const table = new LeaseTable(algorithm, { max: 100, used: 0 }, () => at(now, flush))
    const flush = (nowMs: number): void => {
      for (const one of table.asks(10, nowMs + clockMs)) ask(table, one, nowMs, clockMs)
    }
    return { table, clockMs }
  })
  const out = createDecision()
  const passed: number[] = []
  let now = 54_321
  let dueMs = now
  for (const { gapMs, instance } of arrivals) {
    dueMs += gapMs
    const { table, clockMs } = tables[instance % instances]!
    at(dueMs, nowMs => {
      if (table.take('key', spec, instances, nowMs + clockMs, out) && out.allowed) passed.push(nowMs)
    })
  }
  for (let sweepMs = now; sweepMs < dueMs; sweepMs += 100)
    for (const { table, clockMs } of tables) at(sweepMs, nowMs => table.sweep(nowMs + clockMs))
  for (let event = events.shift(); event !== undefined; event = events.shift()) {
    now = event.atMs
    event.run(now)
    if (now > dueMs + 10_000) break
  }
  return passed
}
