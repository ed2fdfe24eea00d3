/** The whole configuration at one revision, compiled and immutable. */
import type { RequestFacts } from './facts.ts'
import type { CompiledRule, CompiledService, drained, Route } from './route.ts'

export class Snapshot {
  readonly revision: number
  readonly #rules: ReadonlyMap<string, CompiledRule> = new Map()
  readonly #services: ReadonlyMap<string, CompiledService> = new Map()

  constructor(revision: number) {
    this.revision = revision
  }

  /** The route of a request; `drained` when only groups of zero weight match; undefined when no rule matches. */
  match(_facts: RequestFacts): Route | typeof drained | undefined {
    return undefined
  }

  service(id: string): CompiledService | undefined {
    return this.#services.get(id)
  }

  rule(id: string): CompiledRule | undefined {
    return this.#rules.get(id)
  }
}
