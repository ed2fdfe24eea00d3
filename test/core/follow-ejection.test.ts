/** What an instance does with a target that most of the others have ejected. */
import t from 'tap'
import type { Quorum } from '../../src/core/fleet-views.ts'
import { endFollowing, followEjection } from '../../src/core/follow-ejection.ts'
import { type OutlierPolicy, Outliers } from '../../src/core/outlier.ts'
import { OutlierTarget, restore } from '../../src/core/outlier-target.ts'

const policy: OutlierPolicy = {
  consecutiveErrors: 1,
  intervalMs: 10_000,
  baseEjectionMs: 30_000,
  maxEjectionPercent: 50,
  latencyFactor: null
}
const quorum: Quorum = { ejected: 2, of: 3, untilMs: 20_000 }

function targets(count: number) {
  const all = Array.from({ length: count }, () => ({ outlier: new OutlierTarget(), isUnhealthy: false }))
  const outliers = new Outliers<(typeof all)[number]>(0)
  const fail = (index: number, nowMs: number) => outliers.ended(all[index]!, { isError: true, tookMs: 1 }, policy, all, nowMs)
  const follow = (index: number, word: Quorum | undefined) => followEjection(all[index]!, word, policy, all)
  return { all, outliers, fail, follow }
}

t.test('it goes out with the quorum and comes back with it', async t => {
  const { all, follow } = targets(4)
  t.equal(follow(0, undefined), undefined)
  t.equal(follow(0, quorum), 'out')
  t.match(all[0]!.outlier, { isOut: true, outUntilMs: undefined, followedUntilMs: 20_000, ejections: 1, multiplier: 0 })
  t.equal(follow(0, { ...quorum, untilMs: 25_000 }), undefined)
  t.equal(all[0]!.outlier.followedUntilMs, 25_000)
  t.equal(follow(0, undefined), 'in')
  t.notOk(all[0]!.outlier.isOut)
})

t.test('own ejections and followed ones together never go beyond the most that may be out', async t => {
  const { all, fail, follow } = targets(4)
  t.ok(fail(0, 0))
  t.equal(follow(1, quorum), 'out')
  t.equal(follow(2, quorum), undefined)
  t.equal(fail(2, 0), undefined)
  restore(all[0]!)
  t.equal(follow(2, quorum), 'out', 'one came back')
})

t.test('the last target stays, also when the others are unhealthy', async t => {
  t.equal(targets(1).follow(0, quorum), undefined)
  const { all, follow } = targets(2)
  all[1]!.isUnhealthy = true
  t.equal(follow(0, quorum), undefined)
})

t.test('what is followed is not judged: it is never told on as an own ejection', async t => {
  const { all, outliers, fail, follow } = targets(4)
  follow(0, quorum)
  t.equal(fail(0, 1), undefined)
  t.same(outliers.judge(policy, all, 10_000), { back: [], ejected: [] })
  t.equal(all[0]!.outlier.outUntilMs, undefined)
})

t.test('who has ejected it, and has it back, does not follow what is left of that', async t => {
  const { all, fail, follow } = targets(4)
  t.ok(fail(0, 0))
  t.equal(follow(0, quorum), undefined, 'it is out already')
  restore(all[0]!)
  t.equal(follow(0, quorum), undefined, 'the others have begun a little later')
  follow(0, undefined)
  t.equal(follow(0, quorum), 'out', 'the next time it follows')
})

t.test('a target that is drained is not followed any more', async t => {
  const { all, follow } = targets(4)
  follow(0, quorum)
  t.equal(followEjection(all[0]!, quorum, policy, all.slice(1)), 'in')
  t.equal(endFollowing(all[0]!), undefined)
})
