/** How a group of several rules shares its traffic: by turns, or sticky by a value of the request. */
import type { RequestFacts } from './facts.ts'
import type { CompiledRule } from './route.ts'
import { nextTurn, type Turn } from './smooth-turns.ts'
import { stickyIndex } from './sticky-hash.ts'

/** Reads the value that a request is kept by; undefined when it is absent. */
export type SplitValue = (facts: RequestFacts) => string | undefined

/** Configuration of one version of a group; its turns are live state, shared with the versions before and after. */
export class Split {
  readonly #names: readonly string[]
  readonly #weights: readonly number[]
  readonly #turns: readonly Turn[]
  readonly #value: SplitValue | undefined

  /** @param rules oldest first @param turnOf the turn that a rule has in the version before: a rule that stays keeps it */
  constructor(rules: readonly CompiledRule[], turnOf: (id: string) => Turn | undefined) {
    this.#names = rules.map(rule => rule.id)
    this.#weights = rules.map(weightOf)
    this.#turns = this.#names.map(name => turnOf(name) ?? { current: 0 })
    const splitOn = rules.find(rule => rule.item.split_on !== undefined)?.item.split_on
    this.#value = splitOn === undefined ? undefined : toSplitValue(splitOn)
  }

  /** The index of the rule that takes the request, or -1 when all weights are 0. Moves the turns on unless it only peeks. */
  choose(facts: RequestFacts, peek: boolean): number {
    const value = this.#value?.(facts)
    return value === undefined ? nextTurn(this.#turns, this.#weights, peek) : stickyIndex(value, this.#names, this.#weights)
  }

  /** Whether a value of the request decides, not the turns. */
  isSticky(facts: RequestFacts): boolean {
    return this.#value?.(facts) !== undefined
  }

  /** The live state of a rule; undefined when it has none here. */
  turnOf(id: string): Turn | undefined {
    return this.#turns[this.#names.indexOf(id)]
  }
}

/** A rule's share. Without one it takes all as long as it is alone; writers refuse it in company, and should it come so, it counts as 1. */
export function weightOf(rule: CompiledRule): number {
  return rule.item.weight ?? 1
}

/** Reads a `split_on`: `ip`, `header:X` or `cookie:X`. */
export function toSplitValue(splitOn: string): SplitValue {
  const name = splitOn.slice(splitOn.indexOf(':') + 1)
  if (splitOn.startsWith('cookie:')) return facts => facts.cookie(name)
  if (!splitOn.startsWith('header:')) return facts => facts.ip
  const field = name.toLowerCase()
  return facts => facts.header(field)
}
