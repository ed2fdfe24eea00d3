import type { LimitSpec } from './spec.ts'

/** Gives each spec a small number, equal for equal specs: a key remembers by it what it was counted with. */
export class SpecVersions {
  readonly #specs: LimitSpec[] = []
  readonly #known = new Map<string, number>()
  #last: LimitSpec | undefined
  #lastVersion = 0

  /** From 1 on. */
  of(spec: LimitSpec): number {
    if (spec === this.#last) return this.#lastVersion
    const { limit, windowMs, burst, maxDelayMs } = spec
    const text = `${limit}/${windowMs}/${burst}/${maxDelayMs}`
    let version = this.#known.get(text)
    if (version === undefined) {
      this.#specs.push(spec)
      version = this.#specs.length
      this.#known.set(text, version)
    }
    this.#last = spec
    this.#lastVersion = version
    return version
  }

  get(version: number): LimitSpec {
    return this.#specs[version - 1]!
  }

  clear(): void {
    this.#specs.length = 0
    this.#known.clear()
    this.#last = undefined
  }
}
