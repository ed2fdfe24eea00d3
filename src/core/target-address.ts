/** The address of a target, from the URL that an operator wrote. */
import type { CompiledTarget } from './route.ts'

/** What is wrong with a URL, or the target. */
export function compileTarget(url: string, weight: number): CompiledTarget | string {
  // WHATWG parsing would mend these silently; what was meant is not certain.
  if (/[^\x21-\x7e]|\\/.test(url)) return 'must hold printable ASCII characters and no backslash'
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:\/\/[^/]/i.test(url)) return 'is not an absolute http or https URL'
  if (authorityOf(url).includes('@')) return 'must not hold credentials'
  if (/[?#]/.test(url)) return 'must not hold a query or fragment'
  if (parsed.port === '0') return 'must not have port 0'
  return { url, weight, origin: parsed.origin, host: parsed.host, basePath: parsed.pathname.replace(/\/+$/, '') }
}

function authorityOf(url: string): string {
  return /^[^/]*\/\/([^/?#]*)/.exec(url)?.[1] ?? ''
}
