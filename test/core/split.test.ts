import t from 'tap'
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { drained } from '../../src/core/route.ts'
import { Snapshot } from '../../src/core/snapshot.ts'
import { makeFacts, makeRule, type RequestFields } from './make.ts'

type Weights = Readonly<Record<string, number>>

/** Derives a snapshot in which the rules of the same match have these weights; older first. */
function withWeights(snapshot: Snapshot, weights: Weights, fields: Partial<ForwardRule> = {}): Snapshot {
  const addedRules = Object.entries(weights).map(([id, weight], index) => makeRule({ id, weight, ...fields }, index + 1))
  return snapshot.with({ revision: snapshot.revision + 1, addedRules })
}

function next(snapshot: Snapshot, request: RequestFields = {}): string {
  const route = snapshot.match(makeFacts('/', request))
  if (route === undefined || route === drained) return route === drained ? 'drained' : 'none'
  return route.rule.id
}

const take = (snapshot: Snapshot, count: number): string[] => Array.from({ length: count }, () => next(snapshot))

function count(ids: readonly string[]): Weights {
  const counts: Record<string, number> = {}
  for (const id of ids) counts[id] = (counts[id] ?? 0) + 1
  return counts
}

t.test('traffic is shared by weight, exactly in each cycle and interleaved', async t => {
  const snapshot = withWeights(Snapshot.empty, { a: 5, b: 1, c: 1 })
  t.same(take(snapshot, 7), ['a', 'a', 'b', 'a', 'c', 'a', 'a'])
  t.same(take(snapshot, 7), ['a', 'a', 'b', 'a', 'c', 'a', 'a'])
})

t.test('80 to 20 is 80 to 20', async t => {
  t.same(count(take(withWeights(Snapshot.empty, { a: 80, b: 20 }), 10_000)), { a: 8_000, b: 2_000 })
})

t.test('weight 0 gets nothing', async t => {
  t.same(count(take(withWeights(Snapshot.empty, { a: 1, b: 0 }), 10)), { a: 10 })
})

t.test('a group of only zeros takes the request and is drained', async t => {
  const behind = Snapshot.empty.with({ revision: 1, addedRules: [makeRule({ id: 'behind', priority: -1 })] })
  t.equal(next(withWeights(behind, { a: 0 })), 'drained')
  t.equal(next(withWeights(behind, { a: 0, b: 0 })), 'drained')
  t.equal(next(withWeights(behind, { a: 0, b: 0 }, { split_on: 'ip' })), 'drained')
})

t.test('a rule alone takes all, whatever its weight', async t => {
  t.same(take(withWeights(Snapshot.empty, { a: 7 }), 3), ['a', 'a', 'a'])
  t.same(next(Snapshot.empty.with({ revision: 1, addedRules: [makeRule({ id: 'a' })] })), 'a')
})

t.test('a change that leaves the weights alone does not disturb the turns', async t => {
  const weights = { a: 3, b: 2, c: 1 }
  const expected = take(withWeights(Snapshot.empty, weights), 60)
  let snapshot = withWeights(Snapshot.empty, weights)
  const turns: string[] = []
  for (let index = 0; index < 60; index++) {
    turns.push(next(snapshot))
    snapshot = withWeights(snapshot, { b: 2 }, { description: `change ${index}` }).with({
      revision: 1,
      addedRules: [makeRule({ id: 'x', path: '/x' })]
    })
    snapshot = snapshot.with({ revision: 1, addedRules: [makeRule({ id: 'b', weight: 2 }, 2)] })
  }
  t.same(turns, expected)
})

t.test('a new snapshot goes on where the one before stopped', async t => {
  const first = withWeights(Snapshot.empty, { a: 1, b: 1 })
  t.equal(next(first), 'a')
  const second = withWeights(first, { c: 1 }, { path: '/other' })
  t.equal(next(second), 'b')
  t.equal(next(first), 'a', 'also when the old one is asked again')
  t.equal(next(second), 'b')
})

t.test('weights can change at any time', async t => {
  let snapshot = withWeights(Snapshot.empty, { a: 100, b: 0 })
  for (const percent of [1, 5, 25, 50, 100]) {
    snapshot = withWeights(snapshot, { a: 100 - percent, b: percent })
    const { a = 0, b = 0 } = count(take(snapshot, 1_000))
    t.equal(a + b, 1_000)
    t.ok(Math.abs(b - percent * 10) <= 2, `${b} of 1000 at ${percent} %`)
  }
})

t.test('a rule whose weight becomes 0 gets nothing more, even when it was its turn', async t => {
  const both = withWeights(Snapshot.empty, { a: 1, b: 1 })
  t.equal(next(both), 'a')
  t.same(take(withWeights(both, { a: 1, b: 0 }), 4), ['a', 'a', 'a', 'a'])
})

t.test('a rule that leaves takes its turn with it', async t => {
  const both = withWeights(Snapshot.empty, { a: 1, b: 1 })
  take(both, 3)
  const alone = both.with({ revision: 2, removedRules: [both.rule('b')!] })
  t.same(take(alone, 3), ['a', 'a', 'a'])
  t.same(take(withWeights(alone, { b: 1 }), 4).sort(), ['a', 'a', 'b', 'b'])
})

/** What each of many users gets. */
function assign(weights: Weights, fields: Partial<ForwardRule>, request: (user: number) => RequestFields): readonly string[] {
  const snapshot = withWeights(Snapshot.empty, weights, fields)
  return Array.from({ length: 10_000 }, (_, user) => next(snapshot, request(user)))
}

const byCookie = (user: number): RequestFields => ({ headers: { cookie: `uid=user-${user}` } })

t.test('a sticky split keeps each user on one rule, by weight', async t => {
  const fields = { split_on: 'cookie:uid' }
  const assigned = assign({ a: 80, b: 20 }, fields, byCookie)
  t.same(assigned, assign({ a: 80, b: 20 }, fields, byCookie), 'the same in another snapshot, as on another instance')
  t.ok(Math.abs(count(assigned)['b']! - 2_000) < 150, `${count(assigned)['b']} of 10,000`)
})

t.test('a sticky split is the same in every process', async t => {
  const assigned = assign({ a: 50, b: 50 }, { split_on: 'cookie:uid' }, byCookie)
  t.equal(assigned.slice(0, 24).join(''), 'aabbaababaaaaabbaaabbabb')
})

t.test('changing one weight moves few users, and only to or from that rule', async t => {
  const fields = { split_on: 'header:X-User' }
  const byHeader = (user: number): RequestFields => ({ headers: { 'x-user': `u${user}` } })
  const before = assign({ a: 50, b: 30, c: 20 }, fields, byHeader)
  const after = assign({ a: 50, b: 30, c: 30 }, fields, byHeader)
  const moved = before.flatMap((from, user) => (after[user] === from ? [] : [[from, after[user]]]))
  t.ok(moved.length > 400 && moved.length < 1_000, `${moved.length} of 10,000`)
  t.same(
    moved.filter(([, to]) => to !== 'c'),
    []
  )
})

t.test('an address can make it sticky', async t => {
  const snapshot = withWeights(Snapshot.empty, { a: 1, b: 1 }, { split_on: 'ip' })
  for (const ip of ['192.0.2.1', '192.0.2.2', '2001:db8::1']) {
    const [first, ...rest] = Array.from({ length: 5 }, () => next(snapshot, { ip }))
    t.same(new Set(rest), new Set([first]))
  }
})

t.test('without the value, it is by turns', async t => {
  const snapshot = withWeights(Snapshot.empty, { a: 1, b: 1 }, { split_on: 'cookie:uid' })
  t.same(take(snapshot, 4), ['a', 'b', 'a', 'b'])
})

t.test('the oldest rule that says so makes the group sticky', async t => {
  const rules = [
    makeRule({ id: 'a', weight: 1 }, 1),
    makeRule({ id: 'b', weight: 1, split_on: 'header:x' }, 2),
    makeRule({ id: 'c', weight: 1, split_on: 'ip' }, 3)
  ]
  const snapshot = Snapshot.empty.with({ revision: 1, addedRules: rules })
  const kept = Array.from({ length: 5 }, (_, index) => next(snapshot, { ip: `192.0.2.${index}`, headers: { x: 'same' } }))
  t.equal(new Set(kept).size, 1)
  t.equal(new Set(take(snapshot, 3)).size, 3, 'the address does not count')
})
