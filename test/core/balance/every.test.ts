import t from 'tap'
import { balancerNames, facts, makeBalancer, makeCandidates } from './make.ts'

t.test('every algorithm picks one of those it is given, however the list changes', async t => {
  for (const name of balancerNames) {
    const balancer = makeBalancer(name)
    const all = makeCandidates({ a: 1, b: 2, c: 3, d: 1, e: 1000 })
    for (const hosts of ['ab', 'c', 'abcde', 'e', 'da', 'edcba', 'b']) {
      const list = [...hosts].map(host => all.find(({ target }) => target.host === host)!)
      for (let turn = 0; turn < 7; turn++) t.ok(list.includes(balancer.pick(list, facts)), `${name} of ${hosts}`)
    }
  }
})
