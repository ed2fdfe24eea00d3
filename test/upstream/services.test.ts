import t from 'tap'
import { balancerNames } from '../../schemas/service.ts'
import { RequestFacts } from '../../src/core/facts.ts'
import { ServiceStates } from '../../src/upstream/services.ts'
import { toSnapshot } from '../helpers/proxy-app.ts'

const facts = new RequestFacts('GET', { match: '/', forward: '/' }, '', 'a', '127.0.0.1', {}, 0)

function serviceOf(urls: readonly string[], more: Record<string, unknown> = {}) {
  return toSnapshot({ services: [{ id: 's', targets: urls.map(url => ({ url })), ...more }] }).service('s')!
}

t.test('the turn goes on over changes of the service, and begins anew with another algorithm', async t => {
  const states = new ServiceStates()
  const urls = ['http://a', 'http://b', 'http://c']
  const pick = (service = serviceOf(urls)) => states.pick(service, facts)?.target.url
  t.equal(pick(), 'http://a')
  t.equal(pick(serviceOf(urls, { description: 'new' })), 'http://b')
  t.equal(pick(serviceOf(urls, { labels: { a: 'b' } })), 'http://c')
  t.equal(pick(serviceOf(urls, { balancer: { algorithm: 'weighted_round_robin' } })), 'http://a')
})

t.test('a service without targets has none to pick', async t => {
  t.equal(new ServiceStates().pick(serviceOf([]), facts), undefined)
})

t.test('what is gone is forgotten', async t => {
  const states = new ServiceStates()
  states.pick(serviceOf(['http://a']), facts)
  states.sweep(() => true)
  t.equal(states.size, 1)
  states.sweep(() => false)
  t.equal(states.size, 0)
})

t.test('two versions of a service that are in force at once take no turns from each other', async t => {
  const states = new ServiceStates()
  const [old, next] = [serviceOf(['http://a', 'http://b']), serviceOf(['http://b', 'http://c'])]
  const picked = Array.from({ length: 4 }, () => [states.pick(old, facts)?.target.url, states.pick(next, facts, 'x')?.target.url])
  t.same(picked, [
    ['http://a', 'http://b'],
    ['http://b', 'http://c'],
    ['http://a', 'http://b'],
    ['http://b', 'http://c']
  ])
  states.sweep((_id, scope) => scope === '')
  t.equal(states.size, 1)
})

t.test('a further attempt goes to another target, and not always to the same one', async t => {
  for (const algorithm of balancerNames.filter(name => !name.endsWith('hash'))) {
    const states = new ServiceStates()
    const targets = [{ url: 'http://a', weight: 1000 }, { url: 'http://b' }, { url: 'http://c' }, { url: 'http://zero', weight: 0 }]
    const service = serviceOf([], { targets, balancer: { algorithm } })
    const other = (...tried: string[]) => states.pickAmong(service, facts, undefined, ({ url }) => !tried.includes(url))?.target.url
    const others = Array.from({ length: 30 }, () => other('http://a'))
    t.same([...new Set(others)].sort(), ['http://b', 'http://c'], algorithm)
    t.equal(other('http://a', 'http://c'), 'http://b')
    t.equal(other('http://a', 'http://b', 'http://c'), undefined)
  }
  t.equal(
    new ServiceStates().pickAmong(serviceOf([]), facts, undefined, () => true),
    undefined
  )
})
