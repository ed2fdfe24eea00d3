import fc from 'fast-check'
import t from 'tap'
import { Breaker, type BreakerMode, type BreakerOutcome, type BreakerPolicy, type BreakerTransition } from '../../src/core/breaker.ts'
import { BreakerModel } from './breaker-model.ts'

type Trip = BreakerPolicy['readyToTrip']
const never: Trip = { consecutiveFailures: null, errorRate: null, slowRate: null, slowMs: null, minRequests: 1 }

function start(policy: Partial<BreakerPolicy> = {}, trip: Partial<Trip> = { consecutiveFailures: 3 }) {
  const clock = { nowMs: 0 }
  const seen: string[] = []
  const full = { maxRequests: 2, intervalMs: 1_000, timeoutMs: 5_000, readyToTrip: { ...never, ...trip }, ...policy }
  const breaker = new Breaker(
    full,
    () => clock.nowMs,
    ({ to, reason }: BreakerTransition) => seen.push(`${to} ${reason}`)
  )
  const send = (outcome: BreakerOutcome, tookMs = 1) => breaker.end(breaker.begin(), outcome, tookMs)
  const trips = () => {
    for (let failed = 0; failed < 3; failed++) send('failure')
  }
  return { breaker, clock, seen, send, trips, policy: full }
}

t.test('failures in a row open it; a success between them, and what says nothing, do not', async t => {
  const { breaker, send, seen } = start()
  for (const outcome of ['failure', 'failure', 'success', 'failure', 'ignored', 'failure'] as const) send(outcome)
  t.equal(breaker.state, 'closed')
  send('failure')
  t.equal(breaker.allows, false)
  t.same(seen, ['open consecutive_failures'])
})

t.test('a share of failures opens it once there were enough requests within the window', async t => {
  const { breaker, clock, send, seen } = start({}, { errorRate: 0.5, minRequests: 4 })
  for (const outcome of ['failure', 'failure', 'success'] as const) send(outcome)
  t.equal(breaker.state, 'closed', 'too few')
  clock.nowMs = 1_000
  for (const outcome of ['failure', 'success', 'success', 'success'] as const) send(outcome)
  t.equal(breaker.state, 'closed', 'the others have left the window')
  t.same(breaker.counts, { requests: 4, failures: 1, slow: 0 })
  for (const outcome of ['failure', 'failure'] as const) send(outcome)
  t.same(seen, ['open error_rate'])
})

t.test('a share of slow answers opens it, and a slow probe does not close it', async t => {
  const { breaker, clock, send, seen } = start({}, { slowRate: 0.5, slowMs: 100, minRequests: 2 })
  send('success', 99)
  send('success', 100)
  t.same(seen, ['open slow_rate'])
  clock.nowMs = 5_000
  t.equal(breaker.allows, true)
  send('success', 100)
  t.equal(breaker.state, 'open')
})

t.test('half-open, it lets so many through at once and closes after as many successes', async t => {
  const { breaker, clock, trips, seen } = start()
  trips()
  clock.nowMs = 4_999
  t.equal(breaker.allows, false)
  t.equal(breaker.refusesUntilMs, 5_000)
  clock.nowMs = 5_000
  t.equal(breaker.allows, true)
  const [first, second] = [breaker.begin(), breaker.begin()]
  t.equal(breaker.allows, false)
  breaker.end(first, 'success', 1)
  t.equal(breaker.allows, false, 'one success and one under way are all it needs')
  breaker.end(second, 'success', 1)
  t.same(seen, ['open consecutive_failures', 'half_open timeout', 'closed probes_succeeded'])
})

t.test('half-open, one failure opens it for the whole time again', async t => {
  const { breaker, clock, trips, send } = start()
  trips()
  clock.nowMs = 6_000
  t.equal(breaker.allows, true)
  send('failure')
  t.equal(breaker.state, 'open')
  t.equal(breaker.refusesUntilMs, 11_000)
})

t.test('a probe that says nothing gives its place to another one', async t => {
  const { breaker, clock, trips } = start({ maxRequests: 1 })
  trips()
  clock.nowMs = 5_000
  t.equal(breaker.allows, true)
  breaker.end(breaker.begin(), 'ignored', undefined)
  t.equal(breaker.allows, true)
})

t.test('a probe that never reports cannot wedge it', async t => {
  const { breaker, clock, trips } = start({ maxRequests: 1 })
  trips()
  clock.nowMs = 5_000
  t.equal(breaker.allows, true)
  const lost = breaker.begin()
  clock.nowMs = 9_999
  t.equal(breaker.allows, false)
  t.equal(breaker.refusesUntilMs, 10_000)
  clock.nowMs = 10_000
  t.equal(breaker.allows, true)
  breaker.end(lost, 'failure', undefined)
  t.equal(breaker.state, 'half_open', 'what it says later comes too late')
})

t.test('a probe whose answer goes on for ever is a success when its time is over', async t => {
  const { breaker, clock, trips } = start({ maxRequests: 1 })
  trips()
  clock.nowMs = 5_000
  t.equal(breaker.allows, true)
  breaker.answered(breaker.begin())
  clock.nowMs = 10_000
  t.equal(breaker.state, 'closed')
})

t.test('what began in an earlier generation says nothing', async t => {
  const { breaker, clock, trips } = start()
  const early = breaker.begin()
  trips()
  clock.nowMs = 5_000
  t.equal(breaker.allows, true)
  breaker.end(early, 'failure', 1)
  t.equal(breaker.state, 'half_open')
})

t.test('forced, it stays as it is said; auto begins anew', async t => {
  const { breaker, clock, trips, send, seen } = start()
  breaker.force('open')
  clock.nowMs = 1e9
  t.equal(breaker.allows, false)
  t.equal(breaker.refusesUntilMs, Number.POSITIVE_INFINITY)
  breaker.force('closed')
  trips()
  t.equal(breaker.allows, true)
  breaker.force('auto')
  send('failure')
  t.equal(breaker.state, 'closed', 'nothing is left from before')
  trips()
  breaker.force('auto')
  t.equal(breaker.state, 'open', 'said again, nothing happens')
  t.same(seen, ['open forced', 'closed forced', 'open consecutive_failures'])
})

t.test('other numbers hold at once, without a change of state', async t => {
  const { breaker, clock, policy, trips } = start()
  trips()
  breaker.policy = { ...policy, timeoutMs: 1_000 }
  t.equal(breaker.state, 'open')
  clock.nowMs = 1_000
  t.equal(breaker.state, 'half_open')
  breaker.end(breaker.begin(), 'success', 1)
  breaker.policy = { ...policy, maxRequests: 1 }
  t.equal(breaker.allows, true, 'as many successes as it needs by now')
  t.equal(breaker.state, 'closed')
})

type Step =
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'send' }
  | { readonly do: 'answer'; readonly which: number }
  | { readonly do: 'end'; readonly which: number; readonly outcome: BreakerOutcome; readonly tookMs: number }
  | { readonly do: 'force'; readonly mode: BreakerMode }

const which = fc.nat(20)
const stepArbitrary: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.oneof(fc.nat(30), fc.nat(400)) }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('send' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('answer' as const), which }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      which,
      outcome: fc.constantFrom<BreakerOutcome>('success', 'failure', 'failure', 'ignored'),
      tookMs: fc.nat(100)
    })
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('force' as const), mode: fc.constantFrom<BreakerMode>('auto', 'auto', 'open', 'closed') })
  }
)

const rateArbitrary = fc.constantFrom(null, 0.1, 0.5, 1)
const policyArbitrary: fc.Arbitrary<BreakerPolicy> = fc.record({
  maxRequests: fc.integer({ min: 1, max: 4 }),
  intervalMs: fc.constantFrom(10, 100, 333, 1_000),
  timeoutMs: fc.integer({ min: 1, max: 500 }),
  readyToTrip: fc.record({
    consecutiveFailures: fc.option(fc.integer({ min: 1, max: 5 })),
    errorRate: rateArbitrary,
    slowRate: rateArbitrary,
    slowMs: fc.constantFrom(null, 50),
    minRequests: fc.integer({ min: 1, max: 8 })
  })
})

t.test('over any sequence of events it does what the plain model does', async t => {
  const reached = new Map<string, number>()
  const property = fc.property(policyArbitrary, fc.array(stepArbitrary, { maxLength: 120, size: 'max' }), (policy, steps) => {
    let nowMs = 7
    const breaker = new Breaker(
      policy,
      () => nowMs,
      ({ to, reason }) => reached.set(`${to} ${reason}`, (reached.get(`${to} ${reason}`) ?? 0) + 1)
    )
    const model = new BreakerModel(policy)
    const tickets: number[] = []
    for (const step of steps) {
      const ticket = 'which' in step ? tickets[step.which % tickets.length] : undefined
      if (step.do === 'wait') nowMs += step.ms
      else if (step.do === 'force') {
        breaker.force(step.mode)
        model.force(step.mode, nowMs)
      } else if (step.do === 'send') {
        if (breaker.allows !== model.allows(nowMs)) return false
        if (!breaker.allows) continue
        const sent = breaker.begin()
        tickets.push(sent)
        model.begin(sent, nowMs)
      } else if (ticket !== undefined && step.do === 'answer') {
        breaker.answered(ticket)
        model.answered(ticket)
      } else if (ticket !== undefined && step.do === 'end') {
        tickets.splice(tickets.indexOf(ticket), 1)
        breaker.end(ticket, step.outcome, step.tookMs)
        model.end(ticket, step.outcome, step.tookMs, nowMs)
      }
      model.look(nowMs)
      if (breaker.state !== model.state || breaker.allows !== model.allows(nowMs)) return false
      if (model.state === 'closed' && JSON.stringify(breaker.counts) !== JSON.stringify(model.window(nowMs))) return false
    }
    return true
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 5_000 }))
  const reasons = ['consecutive_failures', 'error_rate', 'slow_rate', 'probe_failed', 'forced']
  for (const name of ['half_open timeout', 'closed probes_succeeded', 'closed unforced', ...reasons.map(reason => `open ${reason}`)])
    t.ok((reached.get(name) ?? 0) > 50, `${name} came about ${reached.get(name)} times`)
})
