/** A described request, taken apart as the proxy would take it apart, and what would become of it. */
import type { ExplainRequest } from '../../schemas/admin-explain.ts'
import { explain } from '../core/explain.ts'
import type { Explanation } from '../core/explanation.ts'
import { RequestFacts } from '../core/facts.ts'
import { toMatchHost } from '../core/host.ts'
import { canonicalIp } from '../core/ip-address.ts'
import { normalisePath } from '../core/path.ts'
import type { CompiledTarget } from '../core/route.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { type Fault, ValidationError, withFaults } from '../errors.ts'
import { isAuthority, parseRequestTarget } from '../upstream/request-target.ts'

interface CandidateTarget {
  readonly url: string
  readonly weight: number
  /** Of the traffic, 0 to 1. */
  readonly share: number
}

/** Wire shape of the answer. */
export type ExplainAnswer = Explanation & {
  readonly targets: readonly CandidateTarget[]
  readonly request: Readonly<Record<'method' | 'host' | 'path' | 'query' | 'source_ip' | 'at', string>>
}

/**
 * @param now milliseconds since the epoch, for a request that does not say when
 * @throws {ValidationError} for a request that the proxy would refuse before it looks at rules
 */
export function explainRequest(snapshot: Snapshot, asked: ExplainRequest, now: number): ExplainAnswer {
  const facts = toFacts(asked, now)
  const explanation = explain(snapshot, facts)
  const { method, host, path, search, ip } = facts
  const request = { method, host, path: path.match, query: search, source_ip: ip, at: new Date(facts.now).toISOString() }
  return { ...explanation, targets: candidatesOf(snapshot, explanation), request }
}

function toFacts({ method = 'GET', url, headers = {}, source_ip = '127.0.0.1', at }: ExplainRequest, now: number): RequestFacts {
  const target = parseRequestTarget(url)
  const path = target === undefined ? undefined : normalisePath(target.path)
  if (target === undefined || path === undefined)
    throw refuse('/url', 'is malformed or ambiguous: the gateway answers it with 400 bad_path')
  const fields = toFields(headers)
  const host = target.authority ?? fields.host ?? ''
  if (!isAuthority(host)) throw refuse(target.authority === undefined ? '/headers/host' : '/url', 'has a malformed host')
  const ip = canonicalIp(source_ip)
  if (ip === undefined) throw refuse('/source_ip', 'must be an IPv4 or IPv6 address')
  return new RequestFacts(method.toUpperCase(), path, target.search, toMatchHost(host), ip, fields, at === undefined ? now : Date.parse(at))
}

/** Names in lower case and repeated fields joined, as `node:http` hands them to the proxy. */
function toFields(headers: NonNullable<ExplainRequest['headers']>): Record<string, string> {
  // No prototype: a field named `constructor` is only there when it was given.
  const fields: Record<string, string> = Object.create(null)
  for (const [written, value] of Object.entries(headers)) {
    const name = written.toLowerCase()
    const values = [fields[name] ?? [], value].flat()
    fields[name] = values.join(name === 'cookie' ? '; ' : ', ')
  }
  return fields
}

function candidatesOf(snapshot: Snapshot, { rule, target_service }: Explanation): readonly CandidateTarget[] {
  const service = target_service === null ? undefined : snapshot.service(target_service)
  if (service !== undefined) return toCandidates(service.targets, service.item.balancer.algorithm === 'round_robin')
  const action = rule === null ? undefined : snapshot.rule(rule)?.action
  return action?.type === 'target' ? toCandidates([action.target], true) : []
}

// Equal turns: the weight only says whether a target takes part.
function toCandidates(targets: readonly CompiledTarget[], equalTurns: boolean): readonly CandidateTarget[] {
  const partOf = ({ weight }: CompiledTarget) => (equalTurns ? Math.min(weight, 1) : weight)
  const total = targets.reduce((sum, target) => sum + partOf(target), 0)
  return targets.map(target => ({ url: target.url, weight: target.weight, share: total === 0 ? 0 : partOf(target) / total }))
}

function refuse(pointer: string, detail: string): Error {
  const fault: Fault = { pointer, detail }
  return withFaults(new ValidationError(`${pointer} ${detail}`), [fault])
}
