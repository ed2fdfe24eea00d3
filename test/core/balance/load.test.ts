/** Balancers that look at how busy or how fast their targets are. */
import fc from 'fast-check'
import t from 'tap'
import { makeFacts } from '../make.ts'
import { facts, makeBalancer, makeCandidates, Owner, take } from './make.ts'
import { seededRandom, simulate } from './simulate.ts'

const busyTargets = fc.array(fc.record({ weight: fc.integer({ min: 1, max: 1000 }), inFlight: fc.integer({ min: 0, max: 500 }) }), {
  minLength: 1,
  maxLength: 12
})

function makeBusy(list: readonly { weight: number; inFlight: number }[]) {
  const candidates = makeCandidates(Object.fromEntries(list.map(({ weight }, at) => [`t${at}.example`, weight])))
  for (const [at, { inFlight }] of list.entries()) candidates[at]!.state.inFlight = inFlight
  return candidates
}

t.test('least_conn never picks a strictly busier one', async t => {
  const balancer = makeBalancer('least_conn')
  fc.assert(
    fc.property(busyTargets, list => {
      const candidates = makeBusy(list)
      for (let turn = 0; turn < 3; turn++) {
        const { state, target } = balancer.pick(candidates, facts)
        if (candidates.some(other => other.state.inFlight * target.weight < state.inFlight * other.target.weight)) return false
      }
      return true
    }),
    { numRuns: 2_000 }
  )
  t.pass('2,000 lists')
})

t.test('least_conn gives equals turns by weight', async t => {
  t.equal(take(makeBalancer('least_conn'), makeCandidates({ a: 2, b: 1 }), 6), 'abaaba')
})

t.test('random_two_choices never picks the busiest of all when it stands alone, and draws two that differ', async t => {
  const balancer = makeBalancer('random_two_choices', { random: seededRandom(3) })
  const candidates = makeBusy([
    { weight: 1, inFlight: 9 },
    { weight: 5, inFlight: 0 },
    { weight: 1, inFlight: 8 }
  ])
  for (let turn = 0; turn < 5_000; turn++) if (balancer.pick(candidates, facts) === candidates[0]) t.fail('the busiest')
  t.pass('5,000 picks')
})

t.test('random_two_choices finds its way at the edges of the draw', async t => {
  const draws = [0, 1 - 2 ** -32]
  for (const first of draws)
    for (const second of draws) {
      const sequence = [first, second]
      const balancer = makeBalancer('random_two_choices', { random: () => sequence.shift()! })
      t.match(balancer.pick(makeCandidates({ a: 3, b: 1, c: 7 }), facts).target.host, /^[abc]$/)
    }
})

t.test('consistent_hash lets no target have more than 1.25 times its share in flight, and there is always one with room', async t => {
  fc.assert(
    fc.property(busyTargets, fc.nat(), (list, key) => {
      const candidates = makeBusy(list)
      const balancer = makeBalancer('consistent_hash', { hash_on: 'path' })
      const picked = balancer.pick(candidates, makeFacts(`/${key}`))
      const [inFlight, weight] = list.reduce(([i, w], one) => [i + one.inFlight, w + one.weight], [1, 0])
      return picked.state.inFlight + 1 <= Math.ceil((1.25 * inFlight * picked.target.weight) / weight)
    }),
    { numRuns: 2_000 }
  )
  t.pass('2,000 lists')
})

t.test('a key whose target is too busy always goes to the same next one', async t => {
  const balancer = makeBalancer('consistent_hash', { hash_on: 'path' })
  const candidates = makeCandidates({ a: 1, b: 1, c: 1, d: 1 })
  const request = makeFacts('/hot')
  const home = balancer.pick(candidates, request)
  home.state.inFlight = 10
  const next = balancer.pick(candidates, request)
  t.not(next, home)
  t.equal(balancer.pick(candidates, request), next)
  home.state.inFlight = 0
  t.equal(balancer.pick(candidates, request), home)
})

const fastAndSlow = { a: 10, b: 10, c: 100 }

t.test('ewma gives a target ten times slower less than a fifth of an equal share', async t => {
  const owner = new Owner()
  const candidates = makeCandidates({ a: 1, b: 1, c: 1 }, owner)
  const shares = simulate({
    balancer: makeBalancer('ewma', { owner }),
    candidates,
    owner,
    serviceMs: fastAndSlow,
    everyMs: 5,
    count: 100_000
  })
  t.ok(shares.c! / 100_000 < 1 / 3 / 5, `${shares.c! / 1_000} %`)
  t.ok(shares.c! > 5, 'it is still asked now and then')
  t.ok(Math.abs(shares.a! - shares.b!) < 10_000, 'the others share alike')
})

t.test('ewma comes back to a target that was slow and is not any more', async t => {
  const owner = new Owner()
  const candidates = makeCandidates({ a: 1, b: 1 }, owner)
  const balancer = makeBalancer('ewma', { owner })
  const run = (serviceMs: Record<string, number>) => simulate({ balancer, candidates, owner, serviceMs, everyMs: 2, count: 10_000 })
  t.ok(run({ a: 5, b: 200 }).b! < 1_000)
  owner.nowMs = 0
  for (const { state } of candidates) state.inFlight = 0
  owner.nowMs = 20_000
  const after = simulateFrom(20_000)
  function simulateFrom(startMs: number): number {
    let picked = 0
    for (let at = 0; at < 20_000; at++) {
      owner.nowMs = startMs + at * 2
      const { state, target } = balancer.pick(candidates, facts)
      state.begin()
      state.end(200, undefined, 5, owner.nowMs)
      if (target.host === 'b') picked++
    }
    return picked
  }
  t.ok(after > 4_000, String(after))
})

t.test('ewma is not drawn to a target that fails fast', async t => {
  for (const fails of [
    { status: 503, failure: undefined, headMs: 1 },
    { status: undefined, failure: 'connect_error', headMs: undefined }
  ] as const) {
    const owner = new Owner()
    const candidates = makeCandidates({ good: 1, bad: 1 }, owner)
    const balancer = makeBalancer('ewma', { owner })
    let bad = 0
    for (let at = 0; at < 10_000; at++) {
      const { state, target } = balancer.pick(candidates, facts)
      state.begin()
      const beganMs = owner.nowMs
      owner.nowMs += 1
      if (target.host === 'bad') {
        bad++
        state.end(fails.status, fails.failure, fails.headMs, beganMs)
      } else {
        owner.nowMs += 19
        state.end(200, undefined, 20, beganMs)
      }
    }
    t.ok(bad < 500, `${fails.status}: ${bad}`)
  }
})

t.test('ewma asks a target of which nothing is known once before it gets more', async t => {
  const owner = new Owner()
  const balancer = makeBalancer('ewma', { owner })
  const candidates = makeCandidates({ known: 1, fresh: 1 }, owner)
  candidates[0]!.state.begin()
  candidates[0]!.state.end(200, undefined, 50, 0)
  const picked = Array.from({ length: 4 }, () => {
    const candidate = balancer.pick(candidates, facts)
    candidate.state.begin()
    return candidate.target.host
  })
  t.same(picked, ['fresh', 'known', 'known', 'known'])
})

t.test('what a client broke off counts only as far as it shows that the target was slow', async t => {
  const owner = new Owner()
  const balancer = makeBalancer('ewma', { owner })
  const [a, b] = makeCandidates({ a: 1, b: 1 }, owner)
  const end = (target: typeof a, ms: number, failure?: 'cancelled') => {
    target!.state.begin()
    target!.state.end(failure === undefined ? 200 : undefined, failure, failure === undefined ? ms : undefined, owner.nowMs - ms)
  }
  end(a, 20)
  end(b, 30)
  end(b, 1, 'cancelled')
  t.equal(balancer.pick([a!, b!], facts), a, 'a short one did not make b look fast')
  end(a, 500, 'cancelled')
  t.equal(balancer.pick([a!, b!], facts), b, 'a long one made a look slow')
})
