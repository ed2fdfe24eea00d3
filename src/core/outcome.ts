/** What becomes of a request, as far as rules say. Plain data in wire names, as `POST /explain` answers them. */
import type { OutcomeName } from '../../schemas/admin-explain.ts'
import type { RequestFacts } from './facts.ts'
import type { CompiledRule } from './route.ts'
import type { RuleGroup } from './rule-group.ts'
import { toRoute } from './snapshot.ts'

export interface Outcome {
  /** `drained` when the group that takes the request has only zero weights, `no_rule` when none takes it. */
  readonly outcome: OutcomeName
  /** The rule that takes the request; null when `drained` or `no_rule`. */
  readonly rule: string | null
  /** Path and query for the target, without the target's base path; null unless it is forwarded. */
  readonly upstream_path: string | null
  /** The `Location` of the redirect; null for every other outcome. */
  readonly location: string | null
  readonly target_service: string | null
  /** The URL of a rule's own `target`. */
  readonly target: string | null
}

const nowhere = { rule: null, upstream_path: null, location: null, target_service: null, target: null } as const

/** @param group that takes the request @param rule of the group; undefined when all its weights are 0 */
export function outcomeOf(group: RuleGroup | undefined, rule: CompiledRule | undefined, facts: RequestFacts): Outcome {
  if (rule === undefined) return { outcome: group === undefined ? 'no_rule' : 'drained', ...nowhere }
  const { action } = rule
  const route = toRoute(rule, facts)
  const isAnswered = action.type === 'redirect' || action.type === 'respond'
  return {
    outcome: isAnswered ? action.type : 'forward',
    rule: rule.id,
    upstream_path: isAnswered ? null : route.upstreamPath,
    location: route.location ?? null,
    target_service: action.type === 'service' ? action.service : null,
    target: action.type === 'target' ? action.target.url : null
  }
}
