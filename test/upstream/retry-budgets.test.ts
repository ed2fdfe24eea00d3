import t from 'tap'
import { RetryBudgets } from '../../src/upstream/retry-budgets.ts'

t.test('each service has a budget of its own, which is kept as long as it is used', async t => {
  const budgets = new RetryBudgets()
  budgets.of('a').countRequest(0)
  t.equal(budgets.of('a'), budgets.of('a'))
  t.not(budgets.of('a'), budgets.of('b'))
  budgets.sweep(5_000)
  t.equal(budgets.size, 1, 'b was never used')
  budgets.sweep(10_000)
  t.equal(budgets.size, 0)
})
