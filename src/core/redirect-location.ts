/** The `Location` of a redirect rule. */
import type { RequestFacts } from './facts.ts'
import type { PathMatcher } from './match.ts'
import { capturesOf, fillParts, parsePlaceholders } from './placeholders.ts'
import type { Faults } from './rule-fault.ts'

const fields = ['host', 'path', 'query']

/** Fills `{host}`, `{path}` (after strip and rewrite), `{query}` (with its `?`) and the captures of the path in; undefined after a fault. */
export function compileLocation(
  written: string,
  matcher: PathMatcher,
  faults: Faults
): ((facts: RequestFacts, path: string) => string) | undefined {
  const parts = parsePlaceholders(written, matcher, fields)
  if (typeof parts === 'string') {
    faults.add(['redirect', 'location'], parts)
    return undefined
  }
  return (facts, path) => {
    const captures = capturesOf(matcher, facts.path)
    const values: Readonly<Record<string, string>> = { host: facts.host, path, query: facts.search }
    return toFieldText(fillParts(parts, name => (fields.includes(name) ? values[name]! : captures(name))))
  }
}

/** The client's bytes go into a header of ours: whatever is not plain is encoded. */
function toFieldText(text: string): string {
  return text.replace(/[^\x21-\x7e]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
}
