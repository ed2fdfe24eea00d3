import fc from 'fast-check'
import t from 'tap'
import type { LimitAlgorithm } from '../../../schemas/rate-limit.ts'
import { createCounter } from '../../../src/core/limit/counters.ts'
import { createDecision } from '../../../src/core/limit/decision.ts'
import type { LimitSpec } from '../../../src/core/limit/spec.ts'
import { type Arrival, anyGaps, anySpec, passesAfter, send, slack } from './arrivals.ts'

const newCounter = (algorithm: LimitAlgorithm) => createCounter(algorithm, { max: 1_000, used: 0 })

/** Says whether one more request at `nowMs` is within the definition, of everything that was let through before. */
type Definition = (passed: readonly Arrival[], spec: LimitSpec, nowMs: number, looseness: number) => boolean

/** Each definition as plainly as it can be written, with all requests that ever came at hand. */
const definitions: Partial<Record<LimitAlgorithm, Definition>> = {
  token_bucket: (passed, { limit, windowMs, burst }, nowMs, looseness) =>
    1 <= burst + looseness &&
    passed.every(({ atMs }, index) => passed.length - index + 1 <= burst + ((nowMs - atMs) * limit) / windowMs + looseness),
  leaky_bucket: (passed, { limit, windowMs, maxDelayMs }, nowMs, looseness) => {
    const last = passed.at(-1)
    return last === undefined || last.atMs + last.delayMs + windowMs / limit <= nowMs + maxDelayMs + looseness
  },
  fixed_window: (passed, { limit, windowMs }, nowMs) =>
    passed.filter(({ atMs }) => Math.floor(atMs / windowMs) === Math.floor(nowMs / windowMs)).length + 1 <= limit,
  sliding_window: (passed, { limit, windowMs }, nowMs, looseness) => {
    const index = Math.floor(nowMs / windowMs)
    const countOf = (wanted: number) => passed.filter(({ atMs }) => Math.floor(atMs / windowMs) === wanted).length
    return countOf(index) + countOf(index - 1) * (1 - (nowMs - index * windowMs) / windowMs) + 1 <= limit + looseness
  },
  sliding_log: (passed, { limit, windowMs }, nowMs) => passed.filter(({ atMs }) => atMs > nowMs - windowMs).length + 1 <= limit
}

for (const [name, isWithin] of Object.entries(definitions) as [LimitAlgorithm, Definition][]) {
  t.test(`${name}: exactly what the definition allows is let through, whatever comes when`, async t => {
    fc.assert(
      fc.property(anySpec, anyGaps, (spec, gaps) => {
        const passed: Arrival[] = []
        for (const arrival of send(newCounter(name), spec, gaps)) {
          if (arrival.allowed) {
            if (!isWithin(passed, spec, arrival.atMs, slack)) return false
            passed.push(arrival)
          } else if (isWithin(passed, spec, arrival.atMs, -slack)) return false
        }
        return true
      }),
      { numRuns: 1_000 }
    )
    t.pass()
  })

  t.test(`${name}: a refused request is told when to come again, and not too late`, async t => {
    fc.assert(
      fc.property(anySpec, anyGaps, (spec, gaps) => {
        const counter = newCounter(name)
        const last = send(counter, spec, gaps).at(-1)!
        if (last.allowed) return last.retryMs === 0
        return (
          last.retryMs > 0 &&
          !passesAfter(counter, spec, last.atMs, last.retryMs * 0.99 - 0.01) &&
          passesAfter(counter, spec, last.atMs, last.retryMs + 0.01)
        )
      }),
      { numRuns: 1_000 }
    )
    t.pass()
  })

  t.test(`${name}: as many as remain go at once, and after the reset all`, async t => {
    fc.assert(
      fc.property(anySpec, anyGaps, (spec, gaps) => {
        const counter = newCounter(name)
        const last = send(counter, spec, gaps).at(-1)!
        const more = send(counter, spec, Array(last.remaining + 1).fill(0), last.atMs)
        if (more.filter(({ allowed }) => allowed).length !== last.remaining) return false
        const { resetMs, atMs } = more.at(-1)!
        const rest = createDecision()
        counter.take('key', spec, atMs + resetMs + 0.01, 0, rest)
        return rest.remaining === rest.limit
      }),
      { numRuns: 1_000 }
    )
    t.pass()
  })

  t.test(`${name}: a request that is taken back was never there; to look changes nothing`, async t => {
    fc.assert(
      fc.property(anySpec, anyGaps, fc.infiniteStream(fc.boolean()), (spec, gaps, disturb) => {
        const plain = send(newCounter(name), spec, gaps)
        const counter = newCounter(name)
        return plain.every(({ atMs, allowed, remaining }) => {
          const decision = createDecision()
          if (disturb.next().value) {
            counter.take('key', spec, atMs, 1, decision)
            if (decision.allowed) counter.giveBack('key', spec)
          }
          counter.take('key', spec, atMs, 0, decision)
          if (decision.allowed !== allowed) return false
          counter.take('key', spec, atMs, 1, decision)
          return decision.allowed === allowed && decision.remaining === remaining
        })
      }),
      { numRuns: 500 }
    )
    t.pass()
  })

  t.test(`${name}: keys are counted apart`, async t => {
    const counter = newCounter(name)
    const spec = { limit: 1, windowMs: 1_000, burst: 1, maxDelayMs: 0 }
    const decision = createDecision()
    for (const key of ['a', 'b', 'c']) {
      counter.take(key, spec, 5_000, 1, decision)
      t.equal(decision.allowed, true, key)
      counter.take(key, spec, 5_000, 1, decision)
      t.equal(decision.allowed, false, `${key} again`)
    }
  })
}

t.test('concurrency: never more in flight than the limit, and never fewer while some wait', async t => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), fc.array(fc.boolean(), { maxLength: 200 }), (limit, steps) => {
      const counter = newCounter('concurrency')
      const spec = { limit, windowMs: 1_000, burst: limit, maxDelayMs: 0 }
      const decision = createDecision()
      let inFlight = 0
      for (const begins of steps) {
        if (begins) {
          counter.take('key', spec, 0, 1, decision)
          if (decision.allowed !== inFlight < limit) return false
          if (decision.allowed) inFlight++
          if (decision.remaining !== limit - inFlight) return false
        } else if (inFlight > 0) {
          counter.giveBack('key', spec)
          inFlight--
        }
      }
      return counter.size === (inFlight > 0 ? 1 : 0)
    })
  )
  t.pass()
})
