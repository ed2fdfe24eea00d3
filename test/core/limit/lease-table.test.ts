import t from 'tap'
import { createDecision } from '../../../src/core/limit/decision.ts'
import type { LeaseAnswer, LeaseAsk } from '../../../src/core/limit/lease-ask.ts'
import { maxOvershoot, shareOf } from '../../../src/core/limit/lease-bounds.ts'
import { LeaseTable } from '../../../src/core/limit/lease-table.ts'
import type { LimitSpec } from '../../../src/core/limit/spec.ts'

const spec: LimitSpec = { limit: 100, windowMs: 1_000, burst: 100, maxDelayMs: 0 }
const out = createDecision()

const answer = (more: Partial<LeaseAnswer>): LeaseAnswer => ({
  granted: 0,
  room: 0,
  window: 0,
  validMs: 500,
  edgeMs: 0,
  retryMs: 0,
  ...more
})

function newTable(max = 100): LeaseTable {
  return new LeaseTable('token_bucket', { max, used: 0 }, () => {})
}

/** How many of `times` go. */
function take(table: LeaseTable, times: number, nowMs: number, { key = 'a', instances = 4, limit = spec } = {}): number {
  let passed = 0
  for (let left = times; left > 0; left--) if (table.take(key, limit, instances, nowMs, out) && out.allowed) passed++
  return passed
}

function only(asks: readonly LeaseAsk[]): LeaseAsk {
  if (asks.length !== 1) throw new Error(`${asks.length} asks`)
  return asks[0]!
}

t.test('an unknown key lets through its share on credit, and tells it', async t => {
  const table = newTable()
  t.equal(take(table, 40, 0), 25)
  t.match(out, { allowed: false, limit: 100 })
  const ask = only(table.asks(10, 0))
  t.match(ask, { key: 'a', debt: 25, unused: 0, wanted: 3 })
  t.same(table.asks(10, 0), [], 'one at a time for a key')
  table.answered(ask, answer({ granted: 3, room: 72 }), 1)
  t.equal(table.debts, 25)
  t.equal(take(table, 100, 1), 3 + 18, 'what is leased, and its share of what is left')
})

t.test('while the central counter is empty nothing is asked, and one is refused with the time that it said', async t => {
  const table = newTable()
  take(table, 25, 0)
  table.answered(only(table.asks(10, 0)), answer({ room: 0, retryMs: 10 }), 2)
  t.equal(take(table, 5, 4), 0)
  t.equal(out.retryMs, 8)
  t.notOk(table.hasWork)
  t.equal(take(table, 1, 12), 1, 'then one goes')
})

t.test('one that has let through too much waits for leave', async t => {
  const table = newTable()
  take(table, 25, 0)
  table.answered(only(table.asks(10, 0)), answer({ room: -7, retryMs: 80 }), 1)
  t.equal(table.overshoot, 7)
  t.equal(take(table, 1, 90), 0)
  const ask = only(table.asks(10, 90))
  t.match(ask, { debt: 0, wanted: 1 })
  table.answered(ask, answer({ granted: 1, room: 0 }), 91)
  t.equal(take(table, 1, 91), 1)
})

t.test('what is leased and unused goes back when its time is up', async t => {
  const table = newTable()
  take(table, 25, 0)
  table.answered(only(table.asks(10, 0)), answer({ granted: 3, room: 60, window: 5 }), 1)
  table.sweep(400)
  t.notOk(table.hasWork)
  table.sweep(500)
  t.match(only(table.asks(10, 500)), { debt: 0, unused: 3, window: 5, wanted: 0 })
})

t.test('what was not heard is told again, and what may have come back is lost', async t => {
  const table = newTable()
  take(table, 25, 0)
  table.failed(only(table.asks(10, 0)))
  const again = only(table.asks(10, 50))
  t.equal(again.debt, 25)
  table.answered(again, answer({ granted: 3, room: 60 }), 51)
  table.sweep(600)
  table.failed(only(table.asks(10, 600)))
  table.sweep(700)
  t.notOk(table.hasWork)
})

t.test('while the central counter is away only what is leased goes', async t => {
  const table = newTable()
  take(table, 25, 0)
  table.answered(only(table.asks(10, 0)), answer({ granted: 3, room: 60 }), 1)
  table.away = true
  t.equal(take(table, 10, 2), 3)
  t.notOk(table.take('a', spec, 4, 2, out), 'the store does not answer')
})

t.test('a request that was taken back has not been', async t => {
  const table = newTable()
  take(table, 3, 0)
  table.giveBack('a')
  const ask = only(table.asks(10, 0))
  t.equal(ask.debt, 2)
  table.answered(ask, answer({ granted: 1, room: 4 }), 1)
  take(table, 1, 1)
  table.giveBack('a')
  t.equal(take(table, 9, 1), 2, 'the token, and a share of four')
})

t.test('a key that has to go tells what it owes and gives back what it holds', async t => {
  const table = newTable(1)
  take(table, 25, 0)
  table.answered(only(table.asks(10, 0)), answer({ granted: 2, room: 60 }), 1)
  take(table, 3, 1)
  take(table, 1, 2, { key: 'b' })
  t.equal(table.evictions, 1)
  t.match(
    table.asks(10, 2).find(({ key }) => key === 'a'),
    { debt: 1, unused: 0, wanted: 0 }
  )
})

t.test('keys that are as good as new are forgotten as others come', async t => {
  const table = newTable()
  for (let index = 0; index < 50; index++) {
    take(table, 1, index * 1_000, { key: `k${index}` })
    for (const ask of table.asks(10, index * 1_000)) table.answered(ask, answer({ room: 99 }), index * 1_000)
  }
  t.ok(table.size <= 3, `${table.size} are left`)
})

t.test('a changed limit keeps the share that is used', async t => {
  const table = newTable()
  take(table, 20, 0, { instances: 1 })
  table.answered(only(table.asks(10, 0)), answer({ room: 80 }), 0)
  const half = { ...spec, limit: 50, burst: 50 }
  t.equal(take(table, 100, 0, { instances: 1, limit: half }), 40)
  const look = createDecision()
  t.ok(table.look('new', half, 1, 0, look))
  t.match(look, { allowed: true, limit: 50, remaining: 50 })
})

t.test('bounds and shares', async t => {
  t.equal(maxOvershoot('token_bucket', spec, 4), 4 * 25 + 4 * 3)
  t.equal(maxOvershoot('fixed_window', spec, 4), 100)
  t.same(shareOf(spec, 4), { ...spec, limit: 25, burst: 25 })
  t.same(shareOf({ ...spec, limit: 2, burst: 2 }, 4), { limit: 1, windowMs: 2_000, burst: 1, maxDelayMs: 0 })
})
