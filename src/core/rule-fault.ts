/** Collects everything that is wrong with an item, so that its author can mend it in one go. */
import type { Fault } from '../errors.ts'
import { PatternError, type RegexEngine } from './regex.ts'

/** What is wrong with a rule or service; `pointer` is relative to the item. */
export interface RuleFault extends Fault {
  readonly code: 'validation_failed' | 'unsafe_regex'
}

/** The JSON pointer (RFC 6901) to a place in the item. */
export function pointerTo(...keys: readonly (string | number)[]): string {
  return keys.map(key => `/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

export class Faults {
  readonly list: RuleFault[] = []

  add(keys: readonly (string | number)[], detail: string, code: RuleFault['code'] = 'validation_failed'): void {
    this.list.push({ pointer: pointerTo(...keys), detail, code })
  }

  /** Compiles a pattern of the item; undefined after a fault. */
  pattern(source: string, regex: RegexEngine, keys: readonly (string | number)[]): ReturnType<RegexEngine> | undefined {
    try {
      return regex(source)
    } catch (error) {
      if (!(error instanceof PatternError)) throw error
      this.add(keys, error.message, error.unsafe ? 'unsafe_regex' : 'validation_failed')
      return undefined
    }
  }
}
