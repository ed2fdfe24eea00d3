/** Max-Forwards: how many more hops an OPTIONS or TRACE may take (RFC 9110 section 7.6.2). Other methods may ignore it, and do. */
import type { IncomingMessage } from 'node:http'

/** The largest number that is passed on: the RFC leaves it to us. */
const largest = 1_000_000

/** How many more hops the request may take; undefined when it does not say, NaN when it says nothing readable. */
export function hopsLeft({ method, headers }: IncomingMessage): number | undefined {
  if (method !== 'OPTIONS' && method !== 'TRACE') return undefined
  const value = headers['max-forwards'] as string | undefined
  if (value === undefined) return undefined
  return /^\d+$/.test(value) ? Math.min(Number(value), largest) : Number.NaN
}

/** The fields for the target, one hop later. `list` holds names in lower case and values in turn. */
export function spendHop(list: readonly string[], left: number): string[] {
  const spent: string[] = []
  for (let at = 0; at < list.length; at += 2) if (list[at] !== 'max-forwards') spent.push(list[at]!, list[at + 1]!)
  spent.push('max-forwards', String(left - 1))
  return spent
}
