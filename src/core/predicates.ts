/** The conditions of a rule beside host and path. */
import type { ForwardRule, ValueMatch } from '../../schemas/forward-rule.ts'
import { CidrError, CidrSet } from './ip.ts'
import type { Predicate } from './match.ts'
import type { RegexEngine } from './regex.ts'
import type { Faults } from './rule-fault.ts'

const none: readonly Predicate[] = []

/** The conditions and what of the match key they make. */
export interface CompiledPredicates {
  readonly list: readonly Predicate[]
  /** Equal for rules that ask the same, in whatever order and spelling they were written. */
  readonly key: readonly unknown[]
}

/** All conditions of `item`, in the order in which they are tried. */
export function compilePredicates(item: ForwardRule, regex: RegexEngine, faults: Faults): CompiledPredicates {
  const headers = compileValues('headers', lowerCaseNames(item.headers, faults), regex, faults, (facts, name) => facts.header(name))
  const query = compileValues('query', item.query, regex, faults, (facts, name) => facts.queryValues(name))
  const cookies = compileValues('cookies', item.cookies, regex, faults, (facts, name) => facts.cookie(name))
  const parts = [methodsOf(item), headers, query, cookies, sourceIpOf(item, faults), activeOf(item, faults)]
  const list = parts.flatMap(part => part?.list ?? [])
  return { list: list.length === 0 ? none : list, key: parts.map(part => part?.key ?? null) }
}

type Part = { readonly list: readonly Predicate[]; readonly key: unknown } | undefined

function methodsOf({ methods }: ForwardRule): Part {
  if (methods === undefined || methods.length === 0) return undefined
  const names = [...new Set(methods.map(method => method.toUpperCase()))].sort()
  return { list: [{ name: 'methods', test: facts => names.includes(facts.method) }], key: names }
}

function lowerCaseNames(headers: ForwardRule['headers'], faults: Faults): ForwardRule['headers'] {
  if (headers === undefined) return undefined
  const seen = new Map<string, ValueMatch>()
  for (const [name, wanted] of Object.entries(headers)) {
    const lower = name.toLowerCase()
    if (seen.has(lower)) faults.add(['headers', name], 'is named twice; header names do not depend on case')
    seen.set(lower, wanted)
  }
  return Object.fromEntries(seen)
}

/** Reads what a request has under a name: undefined or none when it is absent. */
type Read = (facts: Parameters<Predicate['test']>[0], name: string) => string | readonly string[] | undefined

function compileValues(
  field: 'headers' | 'query' | 'cookies',
  wanted: Readonly<Record<string, ValueMatch>> | undefined,
  regex: RegexEngine,
  faults: Faults,
  read: Read
): Part {
  const entries = Object.entries(wanted ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))
  if (entries.length === 0) return undefined
  const list: Predicate[] = []
  for (const [name, match] of entries) {
    const accepts = compileValue(match, regex, faults, [field, name])
    if (accepts !== undefined) list.push({ name: `${field}.${name}`, test: facts => accepts(read(facts, name)) })
  }
  return { list, key: entries }
}

type Accepts = (value: string | readonly string[] | undefined) => boolean

/** A repeated query parameter matches when any of its values does. */
function compileValue(match: ValueMatch, regex: RegexEngine, faults: Faults, keys: readonly string[]): Accepts | undefined {
  if (typeof match === 'string') return value => (typeof value === 'object' ? value.includes(match) : value === match)
  if ('present' in match) return value => (value !== undefined && (typeof value === 'string' || value.length > 0)) === match.present
  const pattern = faults.pattern(match.regex, regex, [...keys, 'regex'])
  if (pattern === undefined) return undefined
  const found = (text: string): boolean => pattern.test(text)
  return value => (typeof value === 'object' ? value.some(found) : value !== undefined && found(value))
}

function sourceIpOf({ source_ip: blocks }: ForwardRule, faults: Faults): Part {
  if (blocks === undefined) return undefined
  const bad = blocks.flatMap((block, index) => {
    const message = faultOfBlock(block)
    return message === undefined ? [] : [{ index, message }]
  })
  for (const { index, message } of bad) faults.add(['source_ip', index], message)
  if (bad.length > 0) return undefined
  const set = CidrSet.parse(blocks)
  return { list: [{ name: 'source_ip', test: facts => set.hasWords(facts.ipWords) }], key: set.toString() }
}

function faultOfBlock(block: string): string | undefined {
  try {
    CidrSet.parse([block])
    return undefined
  } catch (error) {
    if (error instanceof CidrError) return error.message
    throw error
  }
}

function activeOf({ active }: ForwardRule, faults: Faults): Part {
  const from = toTime(active?.from, 'from', faults) ?? Number.NEGATIVE_INFINITY
  const until = toTime(active?.until, 'until', faults) ?? Number.POSITIVE_INFINITY
  if (from === Number.NEGATIVE_INFINITY && until === Number.POSITIVE_INFINITY) return undefined
  if (until <= from) faults.add(['active', 'until'], 'must be later than `from`')
  const key = [Number.isFinite(from) ? from : null, Number.isFinite(until) ? until : null]
  return { list: [{ name: 'active', test: ({ now }) => now >= from && now < until }], key }
}

function toTime(written: string | null | undefined, field: 'from' | 'until', faults: Faults): number | undefined {
  if (written === null || written === undefined) return undefined
  const time = Date.parse(written)
  if (!Number.isNaN(time)) return time
  faults.add(['active', field], 'is not a point in time')
  return undefined
}
