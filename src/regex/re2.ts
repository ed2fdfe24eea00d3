/** Patterns on RE2 (`re2js`): matching takes time linear in the text, so that no request can block the gateway with one. */
import { RE2JS, RE2JSException } from 're2js'
import { type Pattern, PatternError, type PatternMatch, type RegexEngine } from '../core/regex.ts'
import { type Finding, scanPattern } from './pattern-scan.ts'

/**
 * How many steps a pattern may compile to. The time per character grows with them, and only counted repetitions (`(.{1000}x){9}`) make
 * more of them than the pattern has characters.
 */
const maxProgramSize = 1_000

/** Compiles an RE2 pattern. Refused as unsafe: look-around, back-references, nested unbounded repetition, counts that make it huge. */
export const re2Engine: RegexEngine = source => {
  const finding = scanPattern(source)
  if (finding !== undefined) throw new PatternError(toMessage(finding), true)
  const compiled = compile(source)
  if (compiled.programSize() > maxProgramSize)
    throw new PatternError(`is too large: it makes more than ${maxProgramSize} steps; use smaller repetition counts`, true)
  return new Re2Pattern(compiled)
}

function compile(source: string): RE2JS {
  try {
    return RE2JS.compile(source)
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    throw new PatternError(`is not a valid RE2 pattern: ${error.message.replace(/^error parsing regexp: /, '')}`, false)
  }
}

function toMessage({ kind, text }: Finding): string {
  if (kind === 'nested-repetition')
    return `repeats in '${text}' what is repeated already, the shape that blocks other engines; one repetition means the same`
  const instead = kind === 'look-around' ? 'use several rules or predicates' : 'write the text out'
  return `uses ${kind} ('${text}'), which cannot be matched in linear time; ${instead} instead`
}

class Re2Pattern implements Pattern {
  readonly #compiled: RE2JS
  readonly groupCount: number
  readonly groupNames: readonly string[]

  constructor(compiled: RE2JS) {
    this.#compiled = compiled
    this.groupCount = compiled.groupCount()
    this.groupNames = Object.keys(compiled.namedGroups())
  }

  test(text: string): boolean {
    return this.#compiled.test(text)
  }

  exec(text: string): PatternMatch | undefined {
    const found = this.#compiled.exec(text) as RegExpExecArray | null
    if (found === null) return undefined
    return { start: found.index, end: found.index + found[0].length, groups: [...found], named: found.groups ?? {} }
  }
}
