/** What is reported of a change, case by case. That all of it is so is held in `warnings.property.test.ts`. */
import t from 'tap'
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { Snapshot } from '../../src/core/snapshot.ts'
import { type Warning, warningsOf } from '../../src/core/warnings.ts'
import { makeRule } from './make.ts'

type Fields = Partial<ForwardRule>
const template = (path: string): Fields => ({ path, path_type: 'template' })
const exact = (path: string): Fields => ({ path, path_type: 'exact' })
const regex = (path: string): Fields => ({ path, path_type: 'regex' })

/** The older rule is `a`, the other `b`. */
function load(a: Fields, b: Fields, ...more: Fields[]): Snapshot {
  const addedRules = [a, b, ...more].map((fields, at) => makeRule({ id: 'abcdefgh'[at]!, ...fields }, at + 1))
  return Snapshot.empty.with({ revision: 1, addedRules })
}

const short = ({ code, rule, other }: Warning) => `${code} ${rule}${other === null ? '' : ` ${other}`}`

/** The same whichever of the two was written. */
function between(a: Fields, b: Fields): string | undefined {
  const snapshot = load(a, b)
  const [fromA, fromB] = ['a', 'b'].map(id =>
    warningsOf(Snapshot.empty, snapshot, [id])
      .filter(({ code }) => code !== 'drained')
      .map(short)
  )
  const sorted = (list: readonly string[] | undefined) => list?.map(text => text.split(' ').sort().join(' '))
  if (String(sorted(fromA)) !== String(sorted(fromB))) return `${fromA} is not ${fromB}`
  return fromB?.join(', ') || undefined
}

t.test('a rule that can no longer be reached is reported, whichever of the two was written', async t => {
  const cases: [promise: string, a: Fields, b: Fields, expected: string][] = [
    ['a catch-all of higher priority', { path: '/', priority: 1 }, { path: '/api' }, 'unreachable b a'],
    ['the other way round', { path: '/api/users' }, { path: '/api', priority: 1 }, 'unreachable a b'],
    ['at the very path', exact('/api'), { path: '/api', priority: 1 }, 'unreachable a b'],
    ['a template below a prefix', template('/api/{x}'), { path: '/api', priority: 1 }, 'unreachable a b'],
    ['a template below a template', template('/api/users'), { ...template('/{x}/{y}'), priority: 1 }, 'unreachable a b'],
    ['an exact path in a template', exact('/api/users'), { ...template('/api/{y}'), priority: 1 }, 'unreachable a b'],
    ['an exact path in a pattern', exact('/api/users'), { ...regex('^/api/[a-z]+$'), priority: 1 }, 'unreachable a b'],
    ['a prefix in a plain pattern', { path: '/api/users' }, { ...regex('^/api/'), priority: 1 }, 'unreachable a b'],
    ['a pattern in the same pattern', { ...regex('^/a.c'), methods: ['GET'] }, { ...regex('^/a.c'), priority: 1 }, 'unreachable a b'],
    ['a pattern behind a prefix of the same priority', regex('^/api/v\\d'), { path: '/api' }, 'unreachable a b'],
    ['an exact host behind a wildcard', { host: ['a.b.com'] }, { host: ['*.b.com'], priority: 1 }, 'unreachable a b'],
    ['a wildcard behind a wider one', { host: ['*.a.b.com', 'b.com'] }, { host: ['*.b.com', 'b.com'], priority: 1 }, 'unreachable a b'],
    ['any host', { host: ['a.com'] }, { priority: 1 }, 'unreachable a b'],
    ['the same path with fewer methods, younger', { methods: ['GET', 'POST'] }, { methods: ['GET'] }, 'unreachable b a'],
    ['a value where any value counts', { headers: { 'X-A': { present: true } } }, { headers: { 'x-a': '1' } }, 'unreachable b a'],
    ['hosts that an older rule names among others', { host: ['a.com', 'b.com'] }, { host: ['b.com'] }, 'unreachable b a'],
    ['addresses within others', { source_ip: ['10.0.0.0/8'] }, { source_ip: ['10.1.0.0/16', '10.2.3.4'] }, 'unreachable b a'],
    [
      'a time within another',
      { active: { from: '2026-01-01T00:00:00Z' } },
      { active: { from: '2026-02-01T00:00:00Z', until: '2026-03-01T00:00:00Z' } },
      'unreachable b a'
    ],
    [
      'conditions that follow from others',
      { priority: 1, query: { q: '1' } },
      { query: { q: '1' }, cookies: { c: '2' } },
      'unreachable b a'
    ],
    ['no matter what it does', { priority: 1, weight: 0 }, { path: '/a' }, 'unreachable b a']
  ]
  for (const [promise, a, b, expected] of cases) t.equal(between(a, b), expected, promise)
})

t.test('a rule that still gets a request is not reported', async t => {
  const cases: [promise: string, a: Fields, b: Fields][] = [
    ['the longer prefix comes first', { path: '/api' }, { path: '/api/users' }],
    ['whole segments', { path: '/apix' }, { path: '/api', priority: 1 }],
    ['a pattern that may end within the segment', regex('^/api'), { path: '/api' }],
    ['a pattern that may begin elsewhere', regex('/api/x'), { path: '/api' }],
    ['the path of the prefix itself', { path: '/api' }, { ...regex('^/api/'), priority: 1 }],
    ['a pattern that asks for more', { path: '/api' }, { ...regex('^/api/\\d'), priority: 1 }],
    ['more below the template', { path: '/api' }, { ...template('/api/{x}'), priority: 1 }],
    ['another number of segments', template('/{a}/{b}/{c}'), { ...template('/{a}/{b}'), priority: 1 }],
    ['a slash at the end, where a parameter stands for nothing', exact('/api/'), { ...template('/api/{x}'), priority: 1 }],
    ['a slash at the end of a template', template('/{a}/'), { ...template('/{a}/{b}'), priority: 1 }],
    ['another suffix that ends alike', { host: ['*.xb.com'] }, { host: ['*.b.com'], priority: 1 }],
    ['the suffix itself', { host: ['b.com'] }, { host: ['*.b.com'], priority: 1 }],
    ['one of several hosts', { host: ['a.com', 'b.com'] }, { host: ['a.com'], priority: 1 }],
    ['the closer host comes first', { host: ['a.b.com'] }, { host: ['*.b.com'] }],
    ['the closer host comes first, any comes last', { host: ['a.com'] }, {}],
    ['more conditions come first', { methods: ['GET'] }, {}],
    ['another method', { methods: ['GET', 'POST'] }, { methods: ['GET'], priority: 1 }],
    ['all methods', {}, { methods: ['GET'], priority: 1 }],
    ['another value', { headers: { x: '1' } }, { headers: { x: '2' }, priority: 1 }],
    ['another place of the value', { headers: { x: '1' } }, { query: { x: '1' }, priority: 1 }],
    ['a value where none may be', { headers: { x: '1' } }, { headers: { x: { present: false } }, priority: 1 }],
    ['none where any value counts', { cookies: { x: { present: false } } }, { cookies: { x: { present: true } }, priority: 1 }],
    ['another pattern', { headers: { x: { regex: '^1' } } }, { headers: { x: { regex: '^12' } }, priority: 1 }],
    ['an address outside', { source_ip: ['10.0.0.0/8', '11.0.0.1'] }, { source_ip: ['10.0.0.0/8'], priority: 1 }],
    ['any address', {}, { source_ip: ['10.0.0.0/8'], priority: 1 }],
    ['an earlier time', {}, { active: { from: '2026-01-01T00:00:00Z' }, priority: 1 }],
    ['a later time', { active: { from: '2026-01-01T00:00:00Z' } }, { active: { until: '2027-01-01T00:00:00Z' }, priority: 1 }],
    ['a rule that is not enabled', { path: '/api' }, { priority: 1, enabled: false }],
    ['elsewhere', { path: '/a' }, { path: '/b', priority: 1 }]
  ]
  for (const [promise, a, b] of cases) t.equal(between(a, b), undefined, promise)
})

t.test('rules between which only age decides are reported with a request that shows it', async t => {
  const cases: [promise: string, a: Fields, b: Fields, request: string | undefined][] = [
    ['two patterns', regex('^/users/\\d+$'), regex('^/users/[0-9a-f]+$'), 'GET http://any.example/users/0'],
    ['two patterns that cannot meet', regex('^/users/\\d+$'), regex('^/orders/\\d+$'), undefined],
    [
      'different conditions',
      { path: '/a', headers: { x: '1' } },
      { path: '/a', query: { y: { regex: '^v\\d' } } },
      'GET http://any.example/a?y=v0'
    ],
    ['different values', { headers: { x: '1' } }, { headers: { x: '2' } }, undefined],
    ['different methods', { methods: ['GET'] }, { methods: ['POST'] }, undefined],
    ['a common method', { methods: ['PUT', 'POST'] }, { methods: ['GET', 'POST'] }, 'POST http://any.example/'],
    ['one method and another condition', { methods: ['POST'] }, { cookies: { c: { present: true } } }, 'POST http://any.example/'],
    ['a common host', { host: ['a.com', '*.b.com'] }, { host: ['*.b.com', 'c.com'] }, 'GET http://any.b.com/'],
    ['one host closer than the other', { host: ['a.b.com'], methods: ['GET'] }, { host: ['*.b.com'], query: { x: '1' } }, undefined],
    [
      'the same template, named otherwise',
      { ...template('/u/{id}'), query: { a: '1' } },
      { ...template('/u/{name}'), query: { b: '2' } },
      'GET http://any.example/u/x?b=2&a=1'
    ],
    ['templates of one rank that differ', template('/u/{id}'), template('/v/{id}'), undefined],
    ['addresses', { source_ip: ['10.0.0.0/8'] }, { source_ip: ['11.0.0.0/8', '10.9.0.0/16'] }, 'GET http://any.example/'],
    ['addresses apart', { source_ip: ['10.0.0.0/8'] }, { source_ip: ['11.0.0.0/8'] }, undefined],
    ['times', { active: { from: '2026-01-01T00:00:00Z' } }, { active: { until: '2027-01-01T00:00:00Z' } }, 'GET http://any.example/'],
    ['times apart', { active: { until: '2026-01-01T00:00:00Z' } }, { active: { from: '2026-01-01T00:00:00Z' } }, undefined],
    ['absent for one, there for the other', { headers: { x: { present: false } } }, { headers: { x: '1' } }, undefined],
    ['another priority', { path: '/a', headers: { x: '1' }, priority: 1 }, { path: '/a', query: { y: '1' } }, undefined],
    ['more conditions', { path: '/a', headers: { x: '1', z: '1' } }, { path: '/a', query: { y: '1' } }, undefined]
  ]
  for (const [promise, a, b, request] of cases) {
    t.equal(between(a, b), request === undefined ? undefined : 'overlap b a', promise)
    if (request === undefined) continue
    const [warning] = warningsOf(Snapshot.empty, load(a, b), ['b'])
    t.match(warning?.detail, `'b' and 'a' both match ${request}, and only their age decides: 'a' takes it`, promise)
  }
})

t.test('a group of only zeros is reported, also when a rule leaves it', async t => {
  const zero = (id: string, fields: Fields = {}) => makeRule({ id, path: '/z', weight: 0, ...fields })
  const rules = [zero('a'), makeRule({ id: 'b', path: '/z', weight: 1 }, 2)]
  const before = Snapshot.empty.with({ revision: 1, addedRules: rules })
  t.same(warningsOf(Snapshot.empty, before, ['a', 'b']), [])
  const drained = before.with({ revision: 2, addedRules: [{ ...zero('b'), seq: 2 }] })
  t.same(warningsOf(before, drained, ['b']).map(short), ['drained b'])
  const gone = before.with({ revision: 2, removedRules: [rules[1]!] })
  t.same(warningsOf(before, gone, ['b']).map(short), ['drained a'])
  t.match(warningsOf(before, gone, ['b'])[0]?.detail, '503 no_target')
  const moved = before.with({ revision: 2, addedRules: [makeRule({ id: 'b', path: '/y', weight: 1 }, 2)] })
  t.same(warningsOf(before, moved, ['b']).map(short), ['drained a'])
  const empty = gone.with({ revision: 3, removedRules: [rules[0]!] })
  t.same(warningsOf(gone, empty, ['a']), [])
  t.same(
    warningsOf(Snapshot.empty, load({ weight: 0, enabled: false }, { path: '/b' }), ['a']),
    [],
    'a rule that is not enabled is in no group'
  )
})

t.test('a rule of a group is unreachable with all the others of it', async t => {
  const snapshot = load({ path: '/a', weight: 1 }, { path: '/a', weight: 2 }, { priority: 1 })
  t.same(warningsOf(Snapshot.empty, snapshot, ['c']).map(short), ['unreachable a c', 'unreachable b c'])
  t.same(warningsOf(Snapshot.empty, snapshot, ['b']).map(short), ['unreachable b c'])
  t.same(warningsOf(Snapshot.empty, snapshot, ['a', 'b', 'c']).map(short), ['unreachable a c', 'unreachable b c'], 'each once')
})

t.test('the reason is told', async t => {
  const [warning] = warningsOf(Snapshot.empty, load({ priority: 5 }, { path: '/b' }), ['b'])
  t.equal(warning?.detail, "'b' gets no request: 'a' takes every request that it matches, by priority")
})

t.test('an unreachable rule takes nothing from others', async t => {
  const snapshot = load({ priority: 2 }, { path: '/b', priority: 1 }, { path: '/b/c' })
  t.same(warningsOf(Snapshot.empty, snapshot, ['b']).map(short), ['unreachable b a'])
})

t.test('of very many only some are told', async t => {
  const addedRules = Array.from({ length: 100 }, (_, at) => makeRule({ id: `r${at}`, path: `/${at}` }, at + 1))
  const before = Snapshot.empty.with({ revision: 1, addedRules })
  const after = before.with({ revision: 2, addedRules: [makeRule({ id: 'all', priority: 1, weight: 0 }, 200)] })
  t.equal(warningsOf(before, after, ['all']).length, 20)
  t.match(warningsOf(before, after, ['all'])[0], { code: 'drained' }, 'what the rule itself suffers comes first')
})

t.test('of a change of very many rules only the first are looked at', async t => {
  const many = Array.from({ length: 3_000 }, (_, at) => makeRule({ id: `r${at}`, path: `/${at}` }, at + 1))
  const shadowed = ['0', '2999'].map((path, at) => makeRule({ id: `below-${path}`, path: `/${path}`, priority: -1 }, 4_000 + at))
  const snapshot = Snapshot.empty.with({ revision: 1, addedRules: [...many, ...shadowed] })
  const changed = many.map(({ id }) => id)
  t.same(warningsOf(Snapshot.empty, snapshot, changed).map(short), ['unreachable below-0 r0'])
  t.same(warningsOf(Snapshot.empty, snapshot, changed.toReversed()).map(short), ['unreachable below-2999 r2999'])
})

t.test('rules of lower priority are found wherever they are, as long as there are any', async t => {
  const before = load({ path: '/x/y', host: ['x.com'] }, { path: '/other' })
  const after = before.with({ revision: 2, addedRules: [makeRule({ id: 'all', path: '/x', priority: 1 }, 9)] })
  t.same(warningsOf(before, after, ['all']).map(short), ['unreachable a all'])
  t.ok(after.index.hasBelow(1))
  t.notOk(after.index.hasBelow(0))
  const without = after.with({ revision: 3, removedRules: [before.rule('a')!, before.rule('b')!] })
  t.notOk(without.index.hasBelow(1))
})
