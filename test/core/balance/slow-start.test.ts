import t from 'tap'
import { facts, makeBalancer, makeCandidates, Owner } from './make.ts'
import { seededRandom } from './simulate.ts'

/** The share of a target that came at 0 beside two that came long before, over `picks` at one moment. */
function shareAt(algorithm: 'weighted_round_robin' | 'random_two_choices' | 'least_conn' | 'ewma' | 'round_robin', ms: number): number {
  const owner = new Owner()
  owner.nowMs = -1e6
  const [a, b] = makeCandidates({ a: 1, b: 1 }, owner)
  owner.nowMs = 0
  const [fresh] = makeCandidates({ fresh: 1 }, owner)
  const balancer = makeBalancer(algorithm, { owner, random: seededRandom(5), slow_start_ms: 10_000 })
  const candidates = [a!, b!, fresh!]
  for (const { state } of candidates) owner.observer?.ended(state, { status: 200, failure: undefined, headMs: 10, totalMs: 10 })
  owner.nowMs = ms
  let picked = 0
  for (let at = 0; at < 3_000; at++) {
    const candidate = balancer.pick(candidates, facts)
    if (algorithm === 'least_conn' || algorithm === 'ewma') candidate.state.begin()
    if (candidate === fresh) picked++
  }
  return picked / 3_000
}

for (const name of ['weighted_round_robin', 'least_conn', 'ewma'] as const) {
  t.test(`${name}: the share of a new target grows from a tenth of its weight to the whole`, async t => {
    for (const [ms, weight] of [
      [0, 0.1],
      [500, 0.1],
      [5_000, 0.5],
      [9_000, 0.9],
      [10_000, 1],
      [60_000, 1]
    ] as const)
      t.ok(Math.abs(shareAt(name, ms) - weight / (2 + weight)) < 0.01, `${ms} ms: ${shareAt(name, ms)}`)
  })
}

t.test('random_two_choices: the share of a new target grows', async t => {
  const shares = [0, 3_000, 6_000, 10_000].map(ms => shareAt('random_two_choices', ms))
  t.ok(shares[0]! < 0.1, String(shares))
  t.same([...shares].sort(), shares)
  t.ok(Math.abs(shares[3]! - 1 / 3) < 0.03, String(shares))
})

t.test('round_robin knows no weights, and so no slow start', async t => {
  t.equal(shareAt('round_robin', 0), 1 / 3)
})
