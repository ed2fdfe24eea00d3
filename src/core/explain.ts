/** Why a request goes where it goes, without sending it and without moving any split. */
import { type Candidate, CandidateCollector, type Failure } from './candidate-collector.ts'
import type { Explanation, FailedRule, GroupMember, RunnerUp } from './explanation.ts'
import type { RequestFacts } from './facts.ts'
import { outcomeOf } from './outcome.ts'
import type { RuleGroup } from './rule-group.ts'
import { compareRank, criterionOf } from './rule-order.ts'
import type { Snapshot } from './snapshot.ts'
import { weightOf } from './split.ts'

/** How many runners-up and failed rules are told. */
const listLimit = 20

/** The rule that would take the request, its runners-up, and the rules of the same path that fail. Agrees with `Snapshot.match`. */
export function explain(snapshot: Snapshot, facts: RequestFacts): Explanation {
  const { matched, failed } = new CandidateCollector(facts).collect(snapshot.index)
  const [winner, ...others] = matched
  const rule = winner?.group.pick(facts, true)
  const runnersUp = winner === undefined ? [] : toRunnersUp(winner, others)
  return {
    ...outcomeOf(winner?.group, rule, facts),
    won_by: runnersUp[0]?.lost_by ?? null,
    group: winner === undefined ? [] : toMembers(winner.group),
    sticky: winner?.group.isSticky(facts) ?? false,
    runners_up: runnersUp,
    failed: toFailedRules(failed)
  }
}

function toMembers({ rules }: RuleGroup): readonly GroupMember[] {
  const total = rules.reduce((sum, rule) => sum + weightOf(rule), 0)
  return rules.map(rule => ({ rule: rule.id, weight: rule.item.weight ?? null, share: total === 0 ? 0 : weightOf(rule) / total }))
}

function toRunnersUp(winner: Candidate, others: readonly Candidate[]): readonly RunnerUp[] {
  return others
    .slice(0, listLimit)
    .flatMap(({ group, hostRank }) => {
      const lostBy = criterionOf(winner.group, winner.hostRank, group, hostRank)
      return group.rules.map(rule => ({ rule: rule.id, lost_by: lostBy }))
    })
    .slice(0, listLimit)
}

function toFailedRules(failed: readonly Failure[]): readonly FailedRule[] {
  return failed
    .toSorted((a, b) => compareRank(a.group, 0, b.group, 0))
    .slice(0, listLimit)
    .flatMap(({ group, predicate }) => group.rules.map(rule => ({ rule: rule.id, predicate })))
    .slice(0, listLimit)
}
