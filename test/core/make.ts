/** Makes canonical items and requests with only what a test is about. */
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { compileRule, type RuleFault } from '../../src/core/compile-rule.ts'
import { RequestFacts, type RequestHeaders } from '../../src/core/facts.ts'
import { toMatchHost } from '../../src/core/host.ts'
import { normalisePath } from '../../src/core/path.ts'
import type { CompiledRule } from '../../src/core/route.ts'
import { re2Engine } from '../../src/regex/re2.ts'

/** A rule in canonical form; forwards to the service `s` unless told otherwise. */
export function makeItem(fields: Partial<ForwardRule> = {}): ForwardRule {
  const own = (['target_service', 'target', 'redirect', 'respond'] as const).some(choice => choice in fields)
  return {
    id: 'r',
    description: '',
    labels: {},
    enabled: true,
    path: '/',
    path_type: 'prefix',
    priority: 0,
    strip_prefix: false,
    host_header: 'preserve',
    ...(own ? {} : { target_service: 's' }),
    ...fields
  }
}

/** The compiled rule. @throws when it has a fault */
export function makeRule(fields: Partial<ForwardRule> = {}, seq = 1): CompiledRule {
  const compiled = compileRule(makeItem(fields), seq, re2Engine)
  if ('action' in compiled) return compiled
  throw new Error(JSON.stringify(compiled))
}

/** What is wrong with the rule; empty when nothing is. */
export function faultsOf(fields: Partial<ForwardRule>): readonly RuleFault[] {
  const compiled = compileRule(makeItem(fields), 1, re2Engine)
  return 'action' in compiled ? [] : compiled
}

export interface RequestFields {
  readonly method?: string
  readonly host?: string
  readonly ip?: string
  readonly headers?: RequestHeaders
  /** Milliseconds since the epoch. */
  readonly now?: number
}

/** A request for a path with an optional query. */
export function makeFacts(target: string, fields: RequestFields = {}): RequestFacts {
  const { method = 'GET', host = 'h', ip = '192.0.2.1', headers = {}, now = 0 } = fields
  const query = target.indexOf('?')
  const path = normalisePath(query === -1 ? target : target.slice(0, query))
  if (path === undefined) throw new Error(`${target} is malformed`)
  return new RequestFacts(method, path, query === -1 ? '' : target.slice(query), toMatchHost(host), ip, headers, now)
}
