/** A guess at a text in which a pattern is found. Whoever takes it checks it with the pattern. */
import { endOfClass } from './regex-literal.ts'

/** Of alternatives the first, of repetitions as few as may be, of characters one. Assertions, flags and rarer classes are passed over. */
export function sampleOf(source: string): string {
  return new Sampler(source).alternatives()
}

const escapes: Readonly<Record<string, string>> = { d: '0', w: 'a', D: 'a', W: '-', S: 'a' }
/** What may stand for a character that is only said not to be others. */
const characters = ['a', '0', '-', 'A', '_', '/']

class Sampler {
  readonly #source: string
  #at = 0

  constructor(source: string) {
    this.#source = source
  }

  /** Up to the end or the closing parenthesis. */
  alternatives(): string {
    let first: string | undefined
    let branch = ''
    while (this.#at < this.#source.length && this.#source[this.#at] !== ')') {
      if (this.#source[this.#at] === '|') {
        this.#at++
        first ??= branch
        branch = ''
      } else branch += this.#repeated(this.#atom())
    }
    return first ?? branch
  }

  #atom(): string {
    const char = this.#source[this.#at++]!
    if (char === '^' || char === '$') return ''
    if (char === '.') return 'a'
    if (char === '\\') return plain(this.#source[this.#at++] ?? '')
    if (char === '[') return this.#member()
    return char === '(' ? this.#group() : char
  }

  #member(): string {
    const end = endOfClass(this.#source, this.#at - 1)
    const members = this.#source.slice(this.#at, end)
    this.#at = end + 1
    if (members.startsWith('^')) return characters.find(char => !members.includes(char)) ?? ''
    if (members.startsWith('[:')) return members.startsWith('[:digit') ? '0' : 'a'
    return members.startsWith('\\') ? plain(members[1] ?? '') : members[0]!
  }

  #group(): string {
    this.#skip(/^\?(?:P?<\w+>|[imsU-]*:?)/)
    const inner = this.alternatives()
    this.#at++
    return inner
  }

  #repeated(text: string): string {
    const quantifier = this.#skip(/^(?:[*+?]|\{\d+(?:,\d*)?\})\??/)
    if (quantifier === '' || quantifier.startsWith('+')) return text
    return quantifier.startsWith('{') ? text.repeat(Number.parseInt(quantifier.slice(1), 10)) : ''
  }

  #skip(pattern: RegExp): string {
    const found = pattern.exec(this.#source.slice(this.#at, this.#at + 100))?.[0] ?? ''
    this.#at += found.length
    return found
  }
}

function plain(char: string): string {
  return /[A-Za-z0-9]/.test(char) ? (escapes[char] ?? '') : char
}
