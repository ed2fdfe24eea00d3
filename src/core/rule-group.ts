/** Rules that are equal in every match field and in priority, and share the traffic by weight. Most groups hold one rule. */
import type { RequestFacts } from './facts.ts'
import type { CompiledMatch } from './match.ts'
import type { CompiledRule } from './route.ts'
import { compareAge, type Ranked } from './rule-order.ts'
import { Split, weightOf } from './split.ts'

/** Immutable but for the turns of the split, which are live state and outlive the group's versions. */
export class RuleGroup implements Ranked {
  /** Oldest first; at least one. */
  readonly rules: readonly CompiledRule[]
  /** What all its rules ask of a request. */
  readonly match: CompiledMatch
  readonly #split: Split | undefined

  private constructor(rules: readonly CompiledRule[], before: Split | undefined) {
    this.rules = rules
    this.match = rules[0]!.match
    this.#split = rules.length === 1 ? undefined : new Split(rules, before)
  }

  /** The group after `removed` went and `added` came, where a rule that comes replaces its namesake; undefined when nobody is left. */
  static derive(before: RuleGroup | undefined, removed: readonly string[], added: readonly CompiledRule[]): RuleGroup | undefined {
    if (before === undefined) return added.length === 0 ? undefined : new RuleGroup(added.toSorted(compareAge), undefined)
    const gone = new Set([...removed, ...added.map(rule => rule.id)])
    const rules = [...before.rules.filter(rule => !gone.has(rule.id)), ...added].sort(compareAge)
    return rules.length === 0 ? undefined : new RuleGroup(rules, before.#split)
  }

  get seq(): number {
    return this.rules[0]!.seq
  }

  get id(): string {
    return this.rules[0]!.id
  }

  /** Whether a request whose host and path were looked up fits the rest. */
  accepts(facts: RequestFacts): boolean {
    if (!this.acceptsPath(facts)) return false
    const { predicates } = this.match
    for (let index = 0; index < predicates.length; index++) if (!predicates[index]!.test(facts)) return false
    return true
  }

  /** Whether the path fits, which of a regex rule the lookup leaves open. */
  acceptsPath({ path: { match: text } }: RequestFacts): boolean {
    const { path } = this.match
    return path.type !== 'regex' || (text.startsWith(path.literal) && path.pattern.test(text))
  }

  /** The name of the first predicate that the request fails. */
  failedPredicate(facts: RequestFacts): string | undefined {
    return this.match.predicates.find(predicate => !predicate.test(facts))?.name
  }

  /** The rule that takes the request, or undefined when all weights are 0. Moves the split on unless it only peeks. */
  pick(facts: RequestFacts, peek = false): CompiledRule | undefined {
    if (this.#split !== undefined) return this.rules[this.#split.choose(facts, peek)]
    const only = this.rules[0]!
    return weightOf(only) === 0 ? undefined : only
  }

  /** Whether a value of the request chooses the rule (`split_on`). */
  isSticky(facts: RequestFacts): boolean {
    return this.#split?.isSticky(facts) ?? false
  }
}
