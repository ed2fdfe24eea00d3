import t from 'tap'
import type { HealthCheck } from '../../schemas/service-health.ts'
import { compileHealthCheck, compileOutlier } from '../../src/core/health-check.ts'
import { Faults } from '../../src/core/rule-fault.ts'

function expected(expect_status: NonNullable<HealthCheck['expect_status']>, ...statuses: number[]): boolean[] {
  const faults = new Faults()
  const check = compileHealthCheck({ expect_status }, faults)
  return faults.list.length > 0 ? [] : statuses.map(status => check.isExpected(status))
}

t.test('a status is expected by itself, its class, a range or a list of those', async t => {
  t.same(expected('2xx', 199, 200, 299, 300), [false, true, true, false])
  t.same(expected('200-399', 199, 200, 399, 400), [false, true, true, false])
  t.same(expected('204', 200, 204), [false, true])
  t.same(expected(204, 200, 204), [false, true])
  t.same(expected([200, '204', '3xx', '401-403'], 200, 201, 204, 301, 400, 402), [true, false, true, true, false, true])
})

t.test('without anything said the documented defaults hold', async t => {
  const { isExpected, ...check } = compileHealthCheck({}, new Faults())
  t.strictSame(check, {
    type: 'http',
    path: '/',
    method: 'GET',
    host: undefined,
    intervalMs: 2_000,
    timeoutMs: 1_000,
    unhealthyAfter: 3,
    healthyAfter: 1
  })
  t.strictSame([isExpected(200), isExpected(302)], [true, false])
  t.strictSame(compileOutlier({}), {
    consecutiveErrors: 5,
    intervalMs: 10_000,
    baseEjectionMs: 30_000,
    maxEjectionPercent: 50,
    latencyFactor: null
  })
})
