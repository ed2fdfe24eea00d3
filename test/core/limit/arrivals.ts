/** What the property tests of limits share: random limits, random arrivals, and what became of them. */
import fc from 'fast-check'
import type { LimitCounter } from '../../../src/core/limit/counter.ts'
import { createDecision, type LimitDecision } from '../../../src/core/limit/decision.ts'
import type { LimitSpec } from '../../../src/core/limit/spec.ts'

/** How much sums of fractions may be off. */
export const slack = 1e-5

/** A limit of 1 to 20 per 1 to 1000 ms. */
export const anySpec: fc.Arbitrary<LimitSpec> = fc.record({
  limit: fc.integer({ min: 1, max: 20 }),
  windowMs: fc.integer({ min: 1, max: 1_000 }),
  burst: fc.integer({ min: 1, max: 40 }),
  maxDelayMs: fc.integer({ min: 0, max: 2_000 })
})

/** Gaps between arrivals: many at once, some close together, some far apart. */
export const anyGaps: fc.Arbitrary<readonly number[]> = fc.array(
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(0) },
    { weight: 4, arbitrary: fc.double({ min: 0, max: 100, noNaN: true }) },
    { weight: 1, arbitrary: fc.double({ min: 0, max: 3_000, noNaN: true }) }
  ),
  { minLength: 1, maxLength: 120 }
)

export interface Arrival extends LimitDecision {
  readonly atMs: number
}

/** Sends one request after each gap, all with one key. */
export function send(counter: LimitCounter, spec: LimitSpec, gaps: readonly number[], beginMs = 12_345): readonly Arrival[] {
  let nowMs = beginMs
  return gaps.map(gap => {
    nowMs += gap
    const decision = createDecision()
    counter.take('key', spec, nowMs, 1, decision)
    return { ...decision, atMs: nowMs }
  })
}

/** Whether a request comes through `waitMs` after the last arrival, when nothing else comes. The counter is used up by it. */
export function passesAfter(counter: LimitCounter, spec: LimitSpec, nowMs: number, waitMs: number): boolean {
  const decision = createDecision()
  counter.take('key', spec, nowMs + waitMs, 0, decision)
  return decision.allowed
}
