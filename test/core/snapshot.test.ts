import t from 'tap'
import type { Service } from '../../schemas/service.ts'
import { compileService } from '../../src/core/compile-service.ts'
import type { CompiledService } from '../../src/core/route.ts'
import { Snapshot } from '../../src/core/snapshot.ts'
import { makeFacts, makeRule } from './make.ts'

function makeService(id: string, ...urls: string[]): CompiledService {
  const targets = urls.map(url => ({ url, weight: 1, labels: {} }))
  const item: Service = { id, description: '', labels: {}, targets, balancer: { algorithm: 'round_robin' } }
  const compiled = compileService(item)
  if ('targets' in compiled) return compiled
  throw new Error(JSON.stringify(compiled))
}

t.test('the empty snapshot matches nothing', async t => {
  t.equal(Snapshot.empty.revision, 0)
  t.equal(Snapshot.empty.match(makeFacts('/')), undefined)
  t.equal(Snapshot.empty.rule('a'), undefined)
  t.equal(Snapshot.empty.service('a'), undefined)
  t.same(Snapshot.empty.group('a'), [])
})

t.test('a route says all that the request follows', async t => {
  const rule = makeRule({ id: 'a', path: '/api', strip_prefix: true })
  const snapshot = Snapshot.empty.with({ revision: 5, addedRules: [rule] })
  t.equal(snapshot.revision, 5)
  t.same(snapshot.match(makeFacts('/api/x?y=1')), { rule, upstreamPath: '/x?y=1', location: undefined })
  t.equal(snapshot.rule('a'), rule)
  t.same(snapshot.group(rule.matchKey), [rule])
})

t.test('an older snapshot stays as it was', async t => {
  const first = Snapshot.empty.with({
    revision: 1,
    addedRules: [makeRule({ id: 'a', path: '/a' })],
    services: new Map([['s', makeService('s')]])
  })
  const second = first.with({ revision: 2, removedRules: [first.rule('a')!], services: new Map([['s', undefined]]) })
  const third = second.with({ revision: 3, addedRules: [makeRule({ id: 'a', path: '/b' })] })
  const found = (snapshot: Snapshot) => [snapshot.match(makeFacts('/a')) !== undefined, snapshot.match(makeFacts('/b')) !== undefined]
  t.same([first, second, third].map(found), [
    [true, false],
    [false, false],
    [false, true]
  ])
  t.same(first.service('s')?.targets, [])
  t.equal(second.service('s'), undefined)
  t.equal(second.rule('a'), undefined)
  t.equal(first.rule('a')?.item.path, '/a')
})

t.test('a rule that comes again replaces its older version, said to be removed or not', async t => {
  const first = Snapshot.empty.with({ revision: 1, addedRules: [makeRule({ id: 'a', path: '/a' })] })
  for (const removedRules of [[], [first.rule('a')!], [makeRule({ id: 'a', path: '/elsewhere' })]]) {
    const second = first.with({ revision: 2, removedRules, addedRules: [makeRule({ id: 'a', path: '/b' })] })
    t.equal(second.match(makeFacts('/a')), undefined)
    t.match(second.match(makeFacts('/b')), { rule: { id: 'a' } })
    t.same(second.group(first.rule('a')!.matchKey), [])
  }
})

t.test('two rules can swap their paths in one change', async t => {
  const first = Snapshot.empty.with({ revision: 1, addedRules: [makeRule({ id: 'a', path: '/a' }), makeRule({ id: 'b', path: '/b' })] })
  const addedRules = [makeRule({ id: 'a', path: '/b' }), makeRule({ id: 'b', path: '/a' })]
  const second = first.with({ revision: 2, removedRules: [first.rule('a')!, first.rule('b')!], addedRules })
  t.match(second.match(makeFacts('/a')), { rule: { id: 'b' } })
  t.match(second.match(makeFacts('/b')), { rule: { id: 'a' } })
})

t.test('removing what is not there changes nothing', async t => {
  const snapshot = Snapshot.empty.with({ revision: 1, addedRules: [makeRule({ id: 'a' })] })
  const same = snapshot.with({ revision: 2, removedRules: [makeRule({ id: 'b' })] })
  t.match(same.match(makeFacts('/')), { rule: { id: 'a' } })
})

t.test('a rule that is not enabled is known and matches nothing', async t => {
  const snapshot = Snapshot.empty.with({ revision: 1, addedRules: [makeRule({ id: 'a', enabled: false })] })
  t.equal(snapshot.match(makeFacts('/')), undefined)
  t.equal(snapshot.rule('a')?.id, 'a')
  t.same(snapshot.group(snapshot.rule('a')!.matchKey), [])
})

t.test('one change among 20,000 rules costs a fraction of building them', async t => {
  const addedRules = Array.from({ length: 20_000 }, (_, index) => makeRule({ id: `r${index}`, path: `/p${index}` }, index))
  const begin = performance.now()
  let snapshot = Snapshot.empty.with({ revision: 1, addedRules })
  const buildMs = performance.now() - begin
  const changes = performance.now()
  for (let index = 0; index < 100; index++) {
    const rule = addedRules[index * 199]!
    snapshot = snapshot.with({ revision: index, removedRules: [rule], addedRules: [rule] })
  }
  const changeMs = (performance.now() - changes) / 100
  t.ok(changeMs < buildMs / 20, `${changeMs.toFixed(3)} ms per change, ${buildMs.toFixed(0)} ms to build`)
})

t.test('the targets of a service are parsed', async t => {
  t.same(makeService('s', 'https://Users.internal/v1/', 'http://[::1]:8080').targets, [
    { url: 'https://Users.internal/v1/', weight: 1, origin: 'https://users.internal', host: 'users.internal', basePath: '/v1' },
    { url: 'http://[::1]:8080', weight: 1, origin: 'http://[::1]:8080', host: '[::1]:8080', basePath: '' }
  ])
})

t.test('a service tells each bad target, and two of one address', async t => {
  const target = (url: string) => ({ url, weight: 1, labels: {} })
  const targets = ['http://a/', 'http://', 'HTTP://A:80', 'http://a/b'].map(target)
  const faults = compileService({ id: 's', description: '', labels: {}, targets, balancer: { algorithm: 'round_robin' } })
  t.match(faults, [
    { pointer: '/targets/1/url', code: 'validation_failed' },
    { pointer: '/targets/2/url', code: 'validation_failed', detail: /target 0/ }
  ])
})
