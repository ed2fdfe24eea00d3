import t from 'tap'
import { balancerNames } from '../../schemas/service.ts'
import { type Balancer, balancerFactories } from '../../src/core/balancers.ts'
import type { CompiledTarget } from '../../src/core/route.ts'
import { compileTarget } from '../../src/core/target-address.ts'
import { makeFacts } from './make.ts'

const facts = makeFacts('/')

/** Targets by host name. */
const makeTargets = (weights: Readonly<Record<string, number>>): readonly CompiledTarget[] =>
  Object.entries(weights).map(([host, weight]) => compileTarget(`http://${host}`, weight) as CompiledTarget)

const take = (balancer: Balancer, targets: readonly CompiledTarget[], count: number): string =>
  Array.from({ length: count }, () => balancer.pick(targets, facts)?.host ?? '-').join('')

t.test('every algorithm of the schema picks a target of positive weight, or none', async t => {
  for (const name of balancerNames) {
    const targets = makeTargets({ a: 0, b: 1, c: 0 })
    t.equal(take(balancerFactories[name](), targets, 4), 'bbbb', name)
    t.equal(balancerFactories[name]().pick(makeTargets({ a: 0 }), facts), undefined, name)
    t.equal(balancerFactories[name]().pick([], facts), undefined, name)
  }
})

t.test('every algorithm survives any change of the list', async t => {
  for (const name of balancerNames) {
    const balancer = balancerFactories[name]()
    for (const weights of [{ a: 1, b: 1 }, {}, { c: 1 }, { a: 0, b: 0 }, { b: 2, a: 1, c: 3, d: 1 }, { d: 1 }, {}]) {
      const targets = makeTargets(weights)
      const usable = targets.filter(({ weight }) => weight > 0)
      for (let turn = 0; turn < 7; turn++) {
        const picked = balancer.pick(targets, facts)
        t.ok(usable.length === 0 ? picked === undefined : usable.includes(picked!), name)
      }
    }
  }
})

t.test('round robin gives equal turns, whatever the weights', async t => {
  t.equal(take(balancerFactories.round_robin(), makeTargets({ a: 5, b: 0, c: 1, d: 1 }), 7), 'acdacda')
})

t.test('round robin goes on behind the last one when the list changes', async t => {
  const balancer = balancerFactories.round_robin()
  t.equal(take(balancer, makeTargets({ a: 1, b: 1, c: 1 }), 2), 'ab')
  t.equal(take(balancer, makeTargets({ z: 1, a: 1, b: 1, c: 1 }), 1), 'c', 'one came before')
  t.equal(take(balancer, makeTargets({ z: 1, a: 1, b: 1, d: 1 }), 1), 'd', 'the last one is gone: whoever stands at its place')
  t.equal(take(balancer, makeTargets({ a: 1 }), 2), 'aa')
})

t.test('weighted round robin is interleaved and exact in each cycle', async t => {
  const targets = makeTargets({ a: 5, b: 1, c: 1 })
  const balancer = balancerFactories.weighted_round_robin()
  t.equal(take(balancer, targets, 7), 'aabacaa')
  t.equal(take(balancer, targets, 7), 'aabacaa')
})

t.test('weighted round robin keeps the turn of those who stay', async t => {
  const [changing, steady] = [balancerFactories.weighted_round_robin(), balancerFactories.weighted_round_robin()]
  const targets = makeTargets({ a: 3, b: 2 })
  const turns = Array.from({ length: 20 }, () => take(changing, makeTargets({ a: 3, b: 2 }), 1)).join('')
  t.equal(turns, take(steady, targets, 20), 'a list that is made anew each time, with the same in it')
})
