/** Judges the tests of rules. Pure: nothing is sent and no split moves on. */
import type { Expectation } from '../../schemas/rule-test.ts'
import type { CompiledTest } from './compile-tests.ts'
import { toFacts } from './described-request.ts'
import type { RequestFacts } from './facts.ts'
import { type Outcome, outcomeOf } from './outcome.ts'
import type { Action } from './route.ts'
import type { RouteIndex } from './route-index.ts'
import type { RuleGroup } from './rule-group.ts'
import { weightOf } from './split.ts'

/** `status`: what the gateway itself answers; null when a target does. */
type Judged = Outcome & { readonly status: number | null }
type Field = keyof Expectation

/**
 * Why the test fails; undefined when it passes. A group of several rules passes when one of them with a weight above 0 does all that is
 * expected: whose turn it is, or to whom a cookie falls, is not the matter of a test.
 * @param now milliseconds since the epoch, for a request that does not say when
 */
export function failureOf({ request, expect, name }: CompiledTest, index: RouteIndex, now: number): string | undefined {
  const facts = toFacts(request, now)
  const possible = possibleOutcomes(index.match(facts), facts)
  const fields = Object.keys(expect) as Field[]
  if (possible.some(outcome => fields.every(field => outcome[field] === expect[field]))) return undefined
  const given = new Set(possible.map(outcome => describe(outcome, fields)))
  return `${name} should give ${describe(expect, fields)}; it gives ${[...given].slice(0, 3).join(' or ')}`
}

function possibleOutcomes(group: RuleGroup | undefined, facts: RequestFacts): readonly Judged[] {
  const takers = group?.rules.filter(rule => weightOf(rule) > 0) ?? []
  if (takers.length > 0) return takers.map(rule => ({ ...outcomeOf(group, rule, facts), status: statusOf(rule.action) }))
  return [{ ...outcomeOf(group, undefined, facts), status: group === undefined ? 404 : 503 }]
}

function statusOf(action: Action): number | null {
  return action.type === 'redirect' || action.type === 'respond' ? action.status : null
}

function describe(values: Readonly<Partial<Record<Field, string | number | null>>>, fields: readonly Field[]): string {
  return fields.map(field => `${field} ${show(values[field])}`).join(', ')
}

function show(value: string | number | null | undefined): string {
  return typeof value === 'string' ? `'${value}'` : String(value)
}
