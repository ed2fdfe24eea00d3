/** The shares that the issue promises, over 100,000 picks. */
import t from 'tap'
import type { Balancer } from '../../../src/core/balance/balancer.ts'
import type { Candidate } from '../../../src/core/target-state.ts'
import { makeFacts } from '../make.ts'
import { facts, makeBalancer, makeCandidates } from './make.ts'
import { seededRandom } from './simulate.ts'

const picks = 100_000
const weights = { a: 50, b: 30, c: 15, d: 5 }

/** The share of each, when every request ends before the next one begins. */
function sharesOf(balancer: Balancer, candidates: readonly Candidate[], requestOf = (_at: number) => facts): Record<string, number> {
  const shares: Record<string, number> = {}
  for (let at = 0; at < picks; at++) {
    const { host } = balancer.pick(candidates, requestOf(at)).target
    shares[host] = (shares[host] ?? 0) + 1 / picks
  }
  return shares
}

for (const name of ['weighted_round_robin', 'least_conn', 'random_two_choices', 'consistent_hash', 'ip_hash'] as const) {
  t.test(`${name} shares by weight within 0.5 %`, async t => {
    const shares = sharesOf(makeBalancer(name, { random: seededRandom(1) }), makeCandidates(weights), at =>
      makeFacts('/', { ip: `10.${at >> 16}.${(at >> 8) & 255}.${at & 255}` })
    )
    for (const [host, weight] of Object.entries(weights)) t.ok(Math.abs(shares[host]! - weight / 100) < 0.005, `${host} ${shares[host]}`)
  })
}

t.test('random_two_choices shares equally among equals within 0.5 %', async t => {
  const shares = sharesOf(makeBalancer('random_two_choices', { random: seededRandom(2) }), makeCandidates({ a: 1, b: 1, c: 1 }))
  for (const share of Object.values(shares)) t.ok(Math.abs(share - 1 / 3) < 0.005, String(share))
})

const keys = Array.from({ length: 20_000 }, (_, at) => makeFacts('/', { headers: { 'x-key': `key-${at}` } }))

t.test('of n targets one leaves: only its own keys move, and at most 1/n + 2 % do', async t => {
  for (const count of [2, 3, 5, 10, 50]) {
    const balancer = makeBalancer('consistent_hash', { hash_on: 'header:x-key' })
    const all = makeCandidates(Object.fromEntries(Array.from({ length: count }, (_, at) => [`t${at}.example:8080`, 1])))
    const before = keys.map(key => balancer.pick(all, key))
    const gone = all[count >> 1]!
    const left = all.filter(candidate => candidate !== gone)
    const after = keys.map(key => balancer.pick(left, key))
    const moved = before.filter((candidate, at) => candidate !== after[at])
    t.ok(
      moved.every(candidate => candidate === gone),
      `${count}: only those of the one that left`
    )
    t.ok(moved.length / keys.length <= 1 / count + 0.02, `${count}: ${moved.length / keys.length}`)
    t.same(
      keys.map(key => balancer.pick(all, key)),
      before,
      `${count}: they come back with it`
    )
  }
})

t.test('a weight that grows takes keys from the others, and moves no key between them', async t => {
  const balancer = makeBalancer('consistent_hash', { hash_on: 'header:x-key' })
  const hostsOf = (list: readonly Candidate[]) => keys.map(key => balancer.pick(list, key).target.host)
  const [before, after] = [hostsOf(makeCandidates({ a: 1, b: 1, c: 1 })), hostsOf(makeCandidates({ a: 2, b: 1, c: 1 }))]
  const moved = after.filter((host, at) => host !== before[at])
  t.ok(moved.every(host => host === 'a'))
  t.ok(Math.abs(moved.length / keys.length - (1 / 2 - 1 / 3)) < 0.02, String(moved.length / keys.length))
})
