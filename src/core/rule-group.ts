/** Rules that are equal in every match field and in priority, and share the traffic by weight. Most groups hold one rule. */
import type { RequestFacts } from './facts.ts'
import type { CompiledMatch, PathMatcher, Predicate } from './match.ts'
import type { CompiledRule } from './route.ts'
import { compareAge, type Ranked } from './rule-order.ts'
import { Split, weightOf } from './split.ts'

/** Immutable but for the turns of the split, which are live state and outlive the group's versions. */
export class RuleGroup implements Ranked {
  /** What all its rules ask of a request. */
  readonly match: CompiledMatch
  // What a lookup needs lies here itself: each object that it must follow is a cache miss among 100,000 rules.
  readonly #oldest: CompiledRule
  readonly #isDrained: boolean
  readonly #predicates: readonly Predicate[]
  readonly #pattern: Extract<PathMatcher, { type: 'regex' }> | undefined
  readonly #shared: { readonly rules: readonly CompiledRule[]; readonly split: Split } | undefined

  private constructor(rules: readonly CompiledRule[], lender: RuleGroup | undefined) {
    this.#oldest = rules[0]!
    this.match = this.#oldest.match
    this.#isDrained = rules.every(rule => weightOf(rule) === 0)
    this.#predicates = this.match.predicates
    this.#pattern = this.match.path.type === 'regex' ? this.match.path : undefined
    this.#shared = rules.length === 1 ? undefined : { rules, split: new Split(rules, id => lender?.turnOf(id)) }
  }

  /**
   * The group after `removed` went and `added` came, where a rule that comes replaces its namesake; undefined when nobody is left.
   * @param lender whose turns of the split go on; usually `before`
   */
  static derive(
    before: RuleGroup | undefined,
    removed: readonly string[],
    added: readonly CompiledRule[],
    lender: RuleGroup | undefined
  ): RuleGroup | undefined {
    if (before === undefined) return added.length === 0 ? undefined : new RuleGroup(added.toSorted(compareAge), lender)
    const gone = new Set([...removed, ...added.map(rule => rule.id)])
    const rules = [...before.rules.filter(rule => !gone.has(rule.id)), ...added].sort(compareAge)
    return rules.length === 0 ? undefined : new RuleGroup(rules, lender)
  }

  /** Oldest first; at least one. */
  get rules(): readonly CompiledRule[] {
    return this.#shared?.rules ?? [this.#oldest]
  }

  get seq(): number {
    return this.#oldest.seq
  }

  get id(): string {
    return this.#oldest.id
  }

  /** Whether a request whose host and path were looked up fits the rest. */
  accepts(facts: RequestFacts): boolean {
    if (this.#pattern !== undefined && !this.acceptsPath(facts)) return false
    const predicates = this.#predicates
    for (let index = 0; index < predicates.length; index++) if (!predicates[index]!.test(facts)) return false
    return true
  }

  /** Whether the path fits, which of a regex rule the lookup leaves open. */
  acceptsPath({ path: { match: text } }: RequestFacts): boolean {
    const pattern = this.#pattern
    return pattern === undefined || (text.startsWith(pattern.literal) && pattern.pattern.test(text))
  }

  /** The name of the first predicate that the request fails. */
  failedPredicate(facts: RequestFacts): string | undefined {
    return this.#predicates.find(predicate => !predicate.test(facts))?.name
  }

  /** The rule that takes the request, or undefined when all weights are 0. Moves the split on unless it only peeks. */
  pick(facts: RequestFacts, peek = false): CompiledRule | undefined {
    if (this.#isDrained) return undefined
    return this.#shared === undefined ? this.#oldest : this.#shared.rules[this.#shared.split.choose(facts, peek)]
  }

  /** Whether a value of the request chooses the rule (`split_on`). */
  isSticky(facts: RequestFacts): boolean {
    return this.#shared?.split.isSticky(facts) ?? false
  }

  /** The live state of a rule in the split; undefined when it has none here. */
  turnOf(id: string): ReturnType<Split['turnOf']> {
    return this.#shared?.split.turnOf(id)
  }
}
