/** The seam to the regular-expression engine: the core stays free of libraries, `src/regex/re2.ts` plugs one in. */

/** A compiled pattern. Takes time linear in the text, whatever the text. */
export interface Pattern {
  /** Whether the pattern is found anywhere in `text`. */
  test(text: string): boolean
  /** The first match, or undefined. */
  exec(text: string): PatternMatch | undefined
}

export interface PatternMatch {
  /** Where the match begins and ends in the text. */
  readonly start: number
  readonly end: number
  /** `groups[0]` is the whole match, `groups[1]` what `$1` stands for; undefined where a group took no part. */
  readonly groups: readonly (string | undefined)[]
  /** The named groups. */
  readonly named: Readonly<Record<string, string | undefined>>
}

/** Thrown for a pattern that is not valid or that could not be matched in linear time. `message` is for the person who wrote it. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
  /** true: valid elsewhere, but refused here because it could block. */
  readonly unsafe: boolean
  constructor(message: string, unsafe: boolean) {
    super(message)
    this.unsafe = unsafe
  }
}

/** Compiles a pattern, with the number and names of its groups. @throws {PatternError} */
export type RegexEngine = (source: string) => Pattern & { readonly groupCount: number; readonly groupNames: readonly string[] }
