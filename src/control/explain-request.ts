/** What would become of a described request. */
import type { ExplainRequest } from '../../schemas/admin-explain.ts'
import { describeRequest, type RequestFault, toFacts } from '../core/described-request.ts'
import { explain } from '../core/explain.ts'
import type { Explanation } from '../core/explanation.ts'
import type { PathMode } from '../core/path.ts'
import type { CompiledTarget } from '../core/route.ts'
import { pointerTo } from '../core/rule-fault.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { ValidationError, withFaults } from '../errors.ts'

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
 * @param paths what the proxy takes in a path
 * @throws {ValidationError} for a request that the proxy would refuse before it looks at rules
 */
export function explainRequest(snapshot: Snapshot, asked: ExplainRequest, now: number, paths: PathMode): ExplainAnswer {
  const described = describeRequest(asked, paths)
  if ('detail' in described) throw refuse(described)
  const facts = toFacts(described, now)
  const explanation = explain(snapshot, facts)
  const { method, host, path, search, ip } = facts
  const request = { method, host, path: path.match, query: search, source_ip: ip, at: new Date(facts.now).toISOString() }
  return { ...explanation, targets: candidatesOf(snapshot, explanation), request }
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

function refuse({ keys, detail }: RequestFault): Error {
  const pointer = pointerTo(...keys)
  return withFaults(new ValidationError(`${pointer} ${detail}`), [{ pointer, detail }])
}
