import t from 'tap'
import type { FlightEnd } from '../../src/core/flight.ts'
import { ServiceStates } from '../../src/upstream/services.ts'
import { makeFacts } from '../core/make.ts'
import { toSnapshot } from '../helpers/proxy-app.ts'

const facts = makeFacts('/')
const [a, b, c] = ['http://a', 'http://b', 'http://c'] as const

function serviceOf(targets: readonly (string | { url: string; weight: number })[], more: Record<string, unknown> = {}) {
  const list = targets.map(target => (typeof target === 'string' ? { url: target } : target))
  return toSnapshot({ services: [{ id: 's', targets: list, ...more }] }).service('s')!
}

function start(service = serviceOf([a, b, c])) {
  const clock = { nowMs: 0 }
  const states = new ServiceStates({ now: () => clock.nowMs })
  const state = states.get(service)
  const pick = (version = service) => states.pick(version, facts)?.target.url
  const take = (count: number) => Array.from({ length: count }, () => pick()?.at(-1) ?? '-').join('')
  return { clock, states, state, service, pick, take, of: (url: string) => state.target(url)! }
}

t.test('a target that is out gets nothing until the last verdict is taken back', async t => {
  const { take, of } = start()
  t.equal(take(3), 'abc')
  of(b).setOut('health')
  of(b).setOut('outlier')
  t.equal(take(4), 'acac')
  of(b).setIn('health')
  t.same(of(b).verdicts, ['outlier'])
  t.equal(take(4), 'acac')
  of(b).setIn('outlier')
  t.equal(take(3), 'abc')
})

t.test('a verdict with an end ends by itself, and the target counts as new from then on', async t => {
  const { clock, take, of } = start()
  of(a).setOut('outlier', 1_000)
  clock.nowMs = 999
  t.equal(take(2), 'bc')
  t.equal(of(a).isOut, true)
  clock.nowMs = 1_000
  t.equal(take(3), 'abc')
  t.equal(of(a).sinceMs, 1_000)
  t.equal(of(b).sinceMs, 0)
})

t.test('when all are out there is none, unless the policy says otherwise', async t => {
  const { state, states, take, of } = start()
  for (const url of [a, b, c]) of(url).setOut('health')
  t.equal(take(2), '--')
  states.policy = (all, available) => (available.length === 0 ? all : available)
  of(a).setOut('outlier')
  t.equal(take(3), 'abc')
  t.equal(state.available.length, 3)
})

t.test('the list of those that may is the same array until something changes', async t => {
  const { state, of, take } = start()
  const before = state.available
  take(5)
  t.equal(state.available, before)
  of(a).setOut('health')
  const without = state.available
  t.not(without, before)
  of(a).setOut('health')
  t.equal(state.available, without, 'said twice')
})

t.test('a change of the service keeps the state of the targets that stay, and drops that of those that go', async t => {
  const { clock, states, pick, of } = start()
  const [stateOfA, stateOfB] = [of(a), of(b)]
  stateOfA.begin()
  stateOfB.setOut('health')
  clock.nowMs = 500
  const next = serviceOf([{ url: a, weight: 3 }, b, 'http://d'])
  t.equal(pick(next), a)
  const state = states.find('s')!
  t.equal(state.target(a), stateOfA)
  t.equal(state.target(b)!.isOut, true)
  t.equal(state.target(c), undefined)
  t.equal(state.target('http://d')!.sinceMs, 500)
  states.get(serviceOf([a]))
  clock.nowMs = 900
  states.get(next)
  states.get(serviceOf([a, b]))
  t.equal(states.find('s')!.target(a), stateOfA)
})

t.test('a further attempt of a request that began with an older version does not bring that back', async t => {
  const { states, service, of } = start()
  const next = serviceOf([c])
  states.get(next)
  const old = states.pickAmong(service, facts, undefined, ({ url }) => url === b)
  t.equal(old?.target.url, b)
  t.equal(states.find('s')!.service, next)
  t.equal(of(b), undefined)
})

t.test('what observes hears of each request until it is told to stop; otherwise nothing is made of it', async t => {
  const { clock, state, of } = start()
  const heard: (FlightEnd | 'began')[] = []
  t.equal(state.observer, undefined)
  of(a).begin()
  of(a).end(200, undefined, 1, 0)
  const stop = state.observe({ began: () => heard.push('began'), ended: (_target, end) => heard.push(end) })
  const more = state.observe({ began: () => heard.push('began'), ended: () => undefined })
  of(a).begin()
  t.equal(of(a).inFlight, 1)
  clock.nowMs = 40
  of(a).end(503, undefined, 30, 5)
  t.equal(of(a).inFlight, 0)
  t.same(heard, ['began', 'began', { status: 503, failure: undefined, headMs: 30, totalMs: 35 }])
  stop()
  more()
  t.equal(state.observer, undefined)
})

t.test('listeners hear of services that come, of their versions and of verdicts', async t => {
  const states = new ServiceStates()
  let heard = 0
  states.onChange(() => heard++)
  const service = serviceOf([a])
  states.pick(service, facts)
  t.equal(heard, 1)
  states.pick(service, facts)
  t.equal(heard, 1)
  const state = states.get(serviceOf([a, b]))
  t.equal(heard, 2)
  state.target(a)!.setOut('health')
  t.equal(heard, 3)
  t.same(states.list(), [state])
})
