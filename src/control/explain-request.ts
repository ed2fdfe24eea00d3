/** What would become of a described request. */
import type { ExplainRequest } from '../../schemas/admin-explain.ts'
import { describeRequest, type RequestFault, toFacts } from '../core/described-request.ts'
import { explain } from '../core/explain.ts'
import type { Explanation } from '../core/explanation.ts'
import type { RequestFacts } from '../core/facts.ts'
import type { PathMode } from '../core/path.ts'
import type { CompiledTarget } from '../core/route.ts'
import { pointerTo } from '../core/rule-fault.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { Verdict } from '../core/target-state.ts'
import { ValidationError, withFaults } from '../errors.ts'
import type { ServiceState } from '../upstream/service-state.ts'

interface CandidateTarget {
  readonly url: string
  readonly weight: number
  /** Of the traffic, 0 to 1, by weight; for those that get none, 0. */
  readonly share: number
  /** Who keeps it out. */
  readonly out: readonly Verdict[]
}

/** Wire shape of the answer. */
export type ExplainAnswer = Explanation & {
  readonly targets: readonly CandidateTarget[]
  readonly request: Readonly<Record<'method' | 'host' | 'path' | 'query' | 'source_ip' | 'at', string>>
}

export interface Explained {
  readonly answer: ExplainAnswer
  /** The request as rules and limits see it. */
  readonly facts: RequestFacts
}

/** The live state of a service; undefined when nothing is known of it yet. */
export type StateLookup = (id: string) => ServiceState | undefined

export interface ExplainContext {
  /** Milliseconds since the epoch, for a request that does not say when. */
  readonly now: number
  /** What the proxy takes in a path. */
  readonly paths: PathMode
  readonly stateOf: StateLookup
}

/** @throws {ValidationError} for a request that the proxy would refuse before it looks at rules */
export function explainRequest(snapshot: Snapshot, asked: ExplainRequest, { now, paths, stateOf }: ExplainContext): Explained {
  const described = describeRequest(asked, paths)
  if ('detail' in described) throw refuse(described)
  const facts = toFacts(described, now)
  const explanation = explain(snapshot, facts)
  const { method, host, path, search, ip } = facts
  const request = { method, host, path: path.match, query: search, source_ip: ip, at: new Date(facts.now).toISOString() }
  return { answer: { ...explanation, targets: candidatesOf(snapshot, explanation, stateOf), request }, facts }
}

function candidatesOf(snapshot: Snapshot, { rule, target_service }: Explanation, stateOf: StateLookup): readonly CandidateTarget[] {
  const service = target_service === null ? undefined : snapshot.service(target_service)
  if (service !== undefined) return toCandidates(service.targets, service.item.balancer.algorithm === 'round_robin', stateOf(service.id))
  const action = rule === null ? undefined : snapshot.rule(rule)?.action
  return action?.type === 'target' ? toCandidates([action.target], true) : []
}

// Equal turns: the weight only says whether a target takes part.
function toCandidates(targets: readonly CompiledTarget[], equalTurns: boolean, live?: ServiceState): readonly CandidateTarget[] {
  // Who gets requests is not only a matter of verdicts: when too many are out, some of them get requests all the same.
  const serving = live === undefined ? undefined : new Set(live.available.map(({ state }) => state.url))
  const partOf = ({ url, weight }: CompiledTarget) => {
    const state = live?.target(url)
    if (state !== undefined && !serving!.has(url)) return 0
    return equalTurns ? Math.min(weight, 1) : weight
  }
  const total = targets.reduce((sum, target) => sum + partOf(target), 0)
  return targets.map(target => ({
    url: target.url,
    weight: target.weight,
    share: total === 0 ? 0 : partOf(target) / total,
    out: live?.target(target.url)?.verdicts ?? []
  }))
}

function refuse({ keys, detail }: RequestFault): Error {
  const pointer = pointerTo(...keys)
  return withFaults(new ValidationError(`${pointer} ${detail}`), [{ pointer, detail }])
}
