/** Rules and requests from a small alphabet, so that they meet. All in normal form, so that the reference matcher can stay plain. */
import fc from 'fast-check'
import type { ForwardRule, ValueMatch } from '../../schemas/forward-rule.ts'
import type { RequestFacts } from '../../src/core/facts.ts'
import { makeFacts, makeItem } from './make.ts'
import type { ReferenceRequest } from './reference-matcher.ts'

const segment = fc.constantFrom('a', 'a', 'b')
const plainPath = fc.array(segment, { maxLength: 2 }).map(segments => `/${segments.join('/')}`)
const anyPath = fc.tuple(plainPath, fc.boolean()).map(([path, slash]) => (slash && path !== '/' ? `${path}/` : path))

const templatePath = fc
  .array(fc.option(segment, { nil: undefined, freq: 2 }), { minLength: 1, maxLength: 2 })
  .map(segments => `/${segments.map((name, index) => name ?? `{p${index}}`).join('/')}`)

const regexPath = fc.constantFrom('^/a', '^/a/?$', '^/(a|b)/', '/b$', '^/a/[ab]+$', 'b', '^/ab?', '^/a|b$', '^/(?:ab|a)/b')

const path = fc.oneof(
  plainPath.map(path => ({ path, path_type: 'prefix' as const })),
  anyPath.map(path => ({ path, path_type: 'exact' as const })),
  templatePath.map(path => ({ path, path_type: 'template' as const })),
  regexPath.map(path => ({ path, path_type: 'regex' as const }))
)

const hostPattern = fc.constantFrom('a.com', 'b.a.com', 'c.b.a.com', 'x.org', '*.a.com', '*.b.a.com', '*.com', '*')

const valueMatch: fc.Arbitrary<ValueMatch> = fc.oneof(
  fc.constantFrom('1', '2'),
  fc.constantFrom({ regex: '^1' }, { regex: '2|3' }),
  fc.boolean().map(present => ({ present }))
)
const values = fc.dictionary(fc.constantFrom('x', 'y'), valueMatch, { minKeys: 1, maxKeys: 2 })

const active = fc.constantFrom(
  { from: '2026-01-01T00:00:00Z' },
  { from: null, until: '2026-01-01T00:00:00Z' },
  { from: '2025-12-31T00:00:00Z', until: '2026-01-02T00:00:00Z' }
)

/** `undefined` most of the time. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })

const predicates = fc.record({
  host: fc.option(fc.uniqueArray(hostPattern, { minLength: 1, maxLength: 3 }), { nil: undefined, freq: 2 }),
  methods: rarely(fc.uniqueArray(fc.constantFrom('GET', 'POST'), { minLength: 1, maxLength: 2 })),
  headers: rarely(values),
  query: rarely(values),
  cookies: rarely(values),
  source_ip: rarely(fc.uniqueArray(fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '10.1.1.1'), { minLength: 1, maxLength: 2 })),
  active: rarely(active)
})

/** The match fields of a few rules: rules that are drawn from one palette share paths, hosts and predicates, and often all of them. */
export interface Palette {
  readonly paths: readonly Pick<ForwardRule, 'path' | 'path_type'>[]
  readonly predicates: readonly { readonly [K in keyof ForwardRule]?: ForwardRule[K] | undefined }[]
}

export const paletteArbitrary: fc.Arbitrary<Palette> = fc.record({
  paths: fc.array(path, { minLength: 1, maxLength: 5 }),
  predicates: fc.array(predicates, { minLength: 1, maxLength: 5 })
})

/** A rule of the given id. Any two may have the same match: all have a weight. */
export function ruleArbitrary(id: string, palette: Palette): fc.Arbitrary<ForwardRule> {
  const rest = fc.record({
    priority: fc.constantFrom(0, 0, 0, 0, 1, -1),
    weight: fc.constantFrom(0, 1, 2, 3),
    split_on: rarely(fc.constantFrom('ip', 'cookie:x', 'header:X')),
    enabled: fc.constantFrom(true, true, true, true, false)
  })
  return fc
    .tuple(fc.constantFrom(...palette.paths), fc.constantFrom(...palette.predicates), rest)
    .map(parts => makeItem(withoutUndefined({ id, ...parts[0], ...parts[1], ...parts[2] })))
}

function withoutUndefined(fields: { readonly [K in keyof ForwardRule]?: ForwardRule[K] | undefined }): Partial<ForwardRule> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
}

const pairs = fc.dictionary(fc.constantFrom('x', 'y'), fc.constantFrom('1', '2', '3'), { maxKeys: 2 })

export const requestArbitrary: fc.Arbitrary<ReferenceRequest> = fc.record({
  method: fc.constantFrom('GET', 'POST', 'PUT'),
  path: anyPath,
  host: fc.constantFrom('a.com', 'b.a.com', 'c.b.a.com', 'z.b.a.com', 'x.org', '', '.com'),
  ip: fc.constantFrom('10.1.1.1', '10.1.2.3', '10.9.9.9', '192.0.2.1'),
  headers: pairs,
  query: fc.array(fc.tuple(fc.constantFrom('x', 'y'), fc.constantFrom('1', '2', '3')), { maxLength: 3 }),
  cookies: pairs,
  now: fc.constantFrom('2025-06-01T00:00:00Z', '2025-12-31T12:00:00Z', '2026-01-01T00:00:00Z', '2026-06-01T00:00:00Z').map(Date.parse)
})

/** The same request as the gateway sees it. */
export function toFacts({ method, path, host, ip, headers, query, cookies, now }: ReferenceRequest): RequestFacts {
  const search = query.length === 0 ? '' : `?${query.map(([name, value]) => `${name}=${value}`).join('&')}`
  const cookie = Object.entries(cookies).map(([name, value]) => `${name}=${value}`)
  const sent = cookie.length === 0 ? headers : { ...headers, cookie: cookie.join('; ') }
  return makeFacts(path + search, { method, host, ip, headers: sent, now })
}
