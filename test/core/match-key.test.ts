import t from 'tap'
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { makeRule } from './make.ts'

const keyOf = (fields: Partial<ForwardRule>): string => makeRule(fields).matchKey

const same: readonly (readonly [string, Partial<ForwardRule>, Partial<ForwardRule>])[] = [
  ['the order of hosts, and their case', { host: ['a.com', 'B.com'] }, { host: ['b.com', 'a.com', 'A.com'] }],
  ['the order of methods', { methods: ['GET', 'POST'] }, { methods: ['POST', 'GET', 'GET'] }],
  ['the case of header names', { headers: { 'X-A': '1', b: '2' } }, { headers: { B: '2', 'x-a': '1' } }],
  ['the order of query and cookies', { query: { a: '1', b: '2' } }, { query: { b: '2', a: '1' } }],
  ['the spelling of address blocks', { source_ip: ['10.0.0.0/8', '10.1.1.1'] }, { source_ip: ['10.9.9.9/8'] }],
  ['the spelling of a path', { path: '/%7Ea/./b/' }, { path: '/~a/b' }],
  ['the names of parameters', { path: '/u/{id}', path_type: 'template' }, { path: '/u/{user}', path_type: 'template' }],
  ['the spelling of times', { active: { from: '2026-01-01T00:00:00Z' } }, { active: { from: '2026-01-01T01:00:00+01:00', until: null } }],
  ['any host, said or unsaid', {}, { host: ['*'] }],
  ['what is done with the request', { target: 'http://a', weight: 1 }, { target: 'http://b', weight: 2, strip_prefix: true }]
]

const different: readonly (readonly [string, Partial<ForwardRule>, Partial<ForwardRule>])[] = [
  ['the priority', { priority: 1 }, {}],
  ['the type of path', { path: '/a', path_type: 'exact' }, { path: '/a' }],
  ['a trailing slash of an exact path', { path: '/a/', path_type: 'exact' }, { path: '/a', path_type: 'exact' }],
  ['the place of a parameter', { path: '/{a}/b', path_type: 'template' }, { path: '/b/{a}', path_type: 'template' }],
  ['a literal beside a parameter', { path: '/a/{x}', path_type: 'template' }, { path: '/b/{x}', path_type: 'template' }],
  ['a host', { host: ['a.com'] }, {}],
  ['an exact and a wildcard host', { host: ['a.com'] }, { host: ['*.a.com'] }],
  ['a header and a query parameter', { headers: { a: '1' } }, { query: { a: '1' } }],
  ['a query parameter and a cookie', { query: { a: '1' } }, { cookies: { a: '1' } }],
  ['a text and a pattern', { headers: { a: '1' } }, { headers: { a: { regex: '1' } } }],
  ['present and absent', { headers: { a: { present: true } } }, { headers: { a: { present: false } } }],
  ['the case of a query parameter', { query: { a: '1' } }, { query: { A: '1' } }],
  ['the window', { active: { from: '2026-01-01T00:00:00Z' } }, { active: { until: '2026-01-01T00:00:00Z' } }]
]

for (const [what, a, b] of same) t.test(`${what} makes no difference`, async t => t.equal(keyOf(a), keyOf(b)))
for (const [what, a, b] of different) t.test(`${what} makes a difference`, async t => t.not(keyOf(a), keyOf(b)))
