/** From a rule in canonical form to what requests need of it. Checks everything that the schema cannot say. */
import { defaultTimeouts, type ForwardRule } from '../../schemas/forward-rule.ts'
import { type CompiledAuth, compileAuth } from './auth/compile-auth.ts'
import type { CompiledBreaker } from './breaker-policy.ts'
import { compileBreaker } from './compile-breaker.ts'
import { compileTests } from './compile-tests.ts'
import { compileWebSocket } from './compile-websocket.ts'
import { compileHeaderEdits } from './header-edits.ts'
import { compileHosts } from './host-pattern.ts'
import { parseIp } from './ip-address.ts'
import { compileLimits } from './limit/compile-limit.ts'
import type { CompiledMatch } from './match.ts'
import { toMatchKey } from './match-key.ts'
import type { PathMode } from './path.ts'
import { compilePath, pathRankOf } from './path-matcher.ts'
import { compileRewrite } from './path-rewrite.ts'
import { compilePredicates } from './predicates.ts'
import { compileLocation } from './redirect-location.ts'
import type { RegexEngine } from './regex.ts'
import { compileRetry } from './retry-policy.ts'
import type { CompiledHeaderEdits, CompiledMirror, CompiledRule, CompiledTimeouts } from './route.ts'
import { compileAction } from './rule-action.ts'
import { Faults, type RuleFault } from './rule-fault.ts'

export type { RuleFault } from './rule-fault.ts'

/**
 * The compiled rule, or all that is wrong with it. Pure: the same item gives the same result on every instance.
 * @param paths what the proxy takes in a path
 */
export function compileRule(
  item: ForwardRule,
  seq: number,
  regex: RegexEngine,
  paths: PathMode = 'strict'
): CompiledRule | readonly RuleFault[] {
  const faults = new Faults()
  const action = compileAction(item, faults)
  const compiled = compileMatch(item, regex, faults)
  const auth = compileAuth(item.auth, faults)
  const requestHeaders = withHidden(compileHeaderEdits(item.request_headers, 'request_headers', faults), auth)
  const responseHeaders = compileHeaderEdits(item.response_headers, 'response_headers', faults)
  if (!isHostHeader(item.host_header)) faults.add(['host_header'], "must be 'preserve', 'target' or a host with an optional port")
  const rewritePath = compiled && compileRewrite(item, compiled.match.path, faults, paths)
  const toLocation = compiled && item.redirect && compileLocation(item.redirect.location, compiled.match.path, faults)
  const mirror = compileMirror(item, faults)
  const breaker = compileRuleBreaker(item, faults)
  const limits = compileLimits(
    item.rate_limit,
    { kind: 'rule', id: item.id, path: compiled?.match.path, knowsClients: auth !== undefined },
    faults,
    ['rate_limit']
  )
  const tests = compileTests(item.tests, faults, paths)
  if (faults.list.length > 0 || action === undefined || compiled === undefined) return faults.list
  return {
    id: item.id,
    item,
    seq,
    matchKey: compiled.key,
    match: compiled.match,
    rewritePath,
    toLocation,
    action,
    hostHeader: item.host_header,
    requestHeaders,
    responseHeaders,
    timeouts: compileTimeouts(item.timeout_ms),
    maxBodyBytes: item.max_body_bytes ?? null,
    websocket: compileWebSocket(item.websocket),
    retry: item.retry === undefined ? undefined : compileRetry(item.retry),
    breaker,
    auth,
    limits,
    mirror,
    tests
  }
}

function compileMatch(item: ForwardRule, regex: RegexEngine, faults: Faults): { match: CompiledMatch; key: string } | undefined {
  const path = compilePath(item, regex, faults)
  const hosts = compileHosts(item.host, faults)
  const predicates = compilePredicates(item, regex, faults)
  if (path === undefined) return undefined
  const match = { priority: item.priority, hosts, path, pathRank: pathRankOf(path), predicates: predicates.list }
  return { match, key: toMatchKey(item.priority, path, hosts, predicates.key) }
}

function compileTimeouts(written: ForwardRule['timeout_ms']): CompiledTimeouts {
  return written === undefined ? defaultTimeouts : { ...defaultTimeouts, ...written }
}

// First of all: a rule may send another value under the same name.
function withHidden(edits: CompiledHeaderEdits | undefined, auth: CompiledAuth | undefined): CompiledHeaderEdits | undefined {
  if (auth === undefined || auth.hidden.length === 0) return edits
  return { set: [], add: [], ...edits, remove: [...new Set([...auth.hidden, ...(edits?.remove ?? [])])] }
}

function compileMirror({ mirror, redirect, respond }: ForwardRule, faults: Faults): CompiledMirror | undefined {
  if (mirror === undefined) return undefined
  if (redirect !== undefined || respond !== undefined) faults.add(['mirror'], 'is for rules that forward, to a target_service or a target')
  return { service: mirror.target_service, share: (mirror.percent ?? 100) / 100 }
}

function compileRuleBreaker({ breaker, target_service, redirect, respond }: ForwardRule, faults: Faults): CompiledBreaker | undefined {
  if (breaker === undefined) return undefined
  if (redirect !== undefined || respond !== undefined) faults.add(['breaker'], 'is for rules that forward, to a target_service or a target')
  return compileBreaker(breaker, target_service, faults)
}

function isHostHeader(value: string): boolean {
  const [, bracketed, name, port] = /^(?:\[([^\]]*)\]|([A-Za-z0-9._-]+))(?::(\d{1,5}))?$/.exec(value) ?? []
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535)) return false
  return name !== undefined || (bracketed?.includes(':') === true && parseIp(bracketed) !== undefined)
}
