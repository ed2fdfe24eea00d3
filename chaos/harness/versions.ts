/**
 * What a request may see. The one rule under test carries a version in a header that it sets, and version N goes to target N modulo the
 * number of targets: so every answer tells which version its request followed, and whether it went where that version said.
 */
import type { Echo } from '../../test/helpers/echo.ts'
import type { LoadAnswer } from '../../test/helpers/load.ts'

export interface Target {
  readonly name: string
  readonly url: string
}

/** The id of the rule. */
export const ruleId = 'live'
const header = 'x-version'

export class Versions {
  readonly #targets: readonly Target[]
  /** By instance: what it was seen to follow. */
  readonly #seen = new Map<string, number>()
  #newest = 0

  constructor(targets: readonly Target[]) {
    this.#targets = targets
  }

  /** The newest version that anybody has tried to write. */
  get newest(): number {
    return this.#newest
  }

  /** The rule at its next version. A version whose write fails is never used again: it may have been written. */
  next(): { readonly version: number; readonly item: Record<string, unknown> } {
    const version = ++this.#newest
    return { version, item: this.itemAt(version) }
  }

  itemAt(version: number): Record<string, unknown> {
    const target = this.#targets[version % this.#targets.length]!.url
    return { path: '/', target, request_headers: { set: { [header]: String(version) } } }
  }

  /** What the instance was seen to follow, before a request to it begins. */
  mark(instance: string): number {
    return this.#seen.get(instance) ?? 0
  }

  /** A write through the instance was answered: from now on it follows this version. */
  confirm(instance: string, version: number): void {
    this.#seen.set(instance, Math.max(version, this.mark(instance)))
  }

  /** An instance that starts again may begin with what it had written down. */
  forget(instance: string): void {
    this.#seen.delete(instance)
  }

  /** Undefined when the answer is right, otherwise what is wrong with it. `began` is what `mark` said. */
  judge(instance: string, answer: LoadAnswer, began: number): string | undefined {
    const version = versionOf(answer)
    if (version === undefined) return `status ${answer.status}`
    if (version > this.#newest) return 'a version that nobody wrote'
    if (version < began) return 'went back to an older version'
    const { name } = this.#targets[version % this.#targets.length]!
    if (answer.headers['x-target'] !== name) return 'wrong target'
    this.confirm(instance, version)
    return undefined
  }
}

/** The version that the request followed; undefined when no target answered it. */
export function versionOf({ status, body }: Pick<LoadAnswer, 'status' | 'body'>): number | undefined {
  if (status !== 200) return undefined
  const version = Number((JSON.parse(body) as Echo).headers[header])
  return Number.isInteger(version) ? version : undefined
}
