import t from 'tap'
import { parseItem } from '../../../src/control/parse-item.ts'

/** What is wrong with a rule that has this limit: pointers. */
function pointersOf(rate_limit: unknown, more: Record<string, unknown> = {}): readonly string[] {
  const item = { path: '/users/{id}', path_type: 'template', respond: {}, rate_limit, ...more }
  const parsed = parseItem({ kind: 'forward_rule', id: 'r1', item, seq: 1 })
  return parsed.refused ? parsed.faults.map(({ pointer }) => pointer) : []
}

t.test('what contradicts itself, or cannot be, is refused at its place', async t => {
  const cases: [limit: Record<string, unknown>, pointer: string][] = [
    [{ limit: 0 }, '/rate_limit/limit'],
    [{ limit: 1.5 }, '/rate_limit/limit'],
    [{ limit: '5' }, '/rate_limit/limit'],
    [{ limit: 1, window_ms: 0 }, '/rate_limit/window_ms'],
    [{ limit: 1, algorithm: 'magic' }, '/rate_limit/algorithm'],
    [{ limit: 1, unknown: 1 }, '/rate_limit/unknown'],
    [{ limit: 1, algorithm: 'fixed_window', burst: 5 }, '/rate_limit/burst'],
    [{ limit: 1, max_delay_ms: 5 }, '/rate_limit/max_delay_ms'],
    [{ limit: 1, algorithm: 'concurrency', window_ms: 5 }, '/rate_limit/window_ms'],
    [{ limit: 10_001, algorithm: 'sliding_log' }, '/rate_limit/limit'],
    [{ limit: 1, algorithm: 'leaky_bucket', mode: 'bounded' }, '/rate_limit/mode'],
    [{ limit: 1, min: 1 }, '/rate_limit/min'],
    [{ limit: 1, algorithm: 'adaptive' }, '/rate_limit/target_latency_ms'],
    [{ limit: 1, algorithm: 'adaptive', target_latency_ms: 100, min: 5, max: 4 }, '/rate_limit/min'],
    [{ limit: 1, algorithm: 'adaptive', target_latency_ms: 100, min: 5, max: 9 }, '/rate_limit/limit'],
    [{ limit: 1, algorithm: 'adaptive', target_latency_ms: 100, scope: 'cluster' }, '/rate_limit/scope'],
    [{ limit: 1, algorithm: 'adaptive', target_latency_ms: 100, kp: 0, ki: 0 }, '/rate_limit/kp'],
    [{ limit: 1, key: 'param:name' }, '/rate_limit/key'],
    [{ limit: 1, key: ['ip', 'param:name'] }, '/rate_limit/key/1'],
    [{ limit: 1, key: ['ip', 'ip'] }, '/rate_limit/key/1'],
    [{ limit: 1, key: ['rule', 'global'] }, '/rate_limit/key/1'],
    [{ limit: 1, key: 'client' }, '/rate_limit/key'],
    [{ limit: 1, by_tier: { vip: { limit: 5 } } }, '/rate_limit/by_tier']
  ]
  for (const [limit, pointer] of cases) t.same(pointersOf(limit).slice(0, 1), [pointer], JSON.stringify(limit))
  t.same(pointersOf([{ limit: 1 }, { limit: 1, max_delay_ms: 5 }]), ['/rate_limit/1/max_delay_ms'], 'in a list, too')
})

t.test('what can be, is taken', async t => {
  for (const limit of [
    { limit: 1 },
    { limit: 100, window_ms: 1000, burst: 200, key: ['ip', 'param:id'], scope: 'cluster', mode: 'exact', on_store_failure: 'deny' },
    { limit: 1, algorithm: 'leaky_bucket', max_delay_ms: 100, key: 'global' },
    { limit: 10_000, algorithm: 'sliding_log' },
    { limit: 5, algorithm: 'concurrency', key: 'rule' },
    { limit: 100, algorithm: 'adaptive', target_latency_ms: 100, min: 10, max: 1000, kp: 0.5, ki: 0.1, kd: 0 }
  ])
    t.same(pointersOf(limit), [], JSON.stringify(limit))
})

t.test('limits that differ in their numbers only keep their counters; those of one rule have names of their own', async t => {
  const idsOf = (rate_limit: unknown) => {
    const parsed = parseItem({ kind: 'forward_rule', id: 'r1', item: { respond: {}, rate_limit }, seq: 1 })
    return parsed.refused || parsed.kind !== 'forward_rule' ? [] : parsed.compiled.limits.map(({ id }) => id)
  }
  t.same(idsOf({ limit: 5 }), idsOf({ limit: 6, window_ms: 7, burst: 8, shadow: true }))
  t.same(idsOf([{ limit: 5 }, { limit: 6, window_ms: 60_000 }]), ['rule/r1/token_bucket/ip', 'rule/r1/token_bucket/ip/2'])
  t.same(idsOf({ limit: 5, key: ['global', 'ip'] }), ['global/token_bucket/global,ip'])
})
