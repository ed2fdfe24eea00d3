/** Whether one rule's conditions beside host and path surely follow from another's. What cannot be told is answered with no. */
import type { ForwardRule, ValueMatch } from '../../schemas/forward-rule.ts'
import { CidrSet } from './ip.ts'

/** Whether every request that fulfils the conditions of `inner` fulfils those of `outer`. */
export function coversConditions(outer: ForwardRule, inner: ForwardRule): boolean {
  return (
    coversMethods(outer.methods, inner.methods) &&
    coversValues(lowerCased(outer.headers), lowerCased(inner.headers)) &&
    coversValues(outer.query, inner.query) &&
    coversValues(outer.cookies, inner.cookies) &&
    coversActive(outer.active, inner.active) &&
    coversAddresses(outer.source_ip, inner.source_ip)
  )
}

function coversMethods(outer: ForwardRule['methods'] = [], inner: ForwardRule['methods'] = []): boolean {
  // No methods are all methods.
  return outer.length === 0 || (inner.length > 0 && inner.every(method => outer.includes(method)))
}

/** What a rule asks of its header fields, query parameters or cookies. */
export type Values = Readonly<Record<string, ValueMatch>> | undefined

/** Names of header fields do not depend on case. */
export function lowerCased(headers: Values): Values {
  return headers && Object.fromEntries(Object.entries(headers).map(([name, wanted]) => [name.toLowerCase(), wanted]))
}

function coversValues(outer: Values = {}, inner: Values = {}): boolean {
  return Object.entries(outer).every(([name, wanted]) => Object.hasOwn(inner, name) && follows(wanted, inner[name]!))
}

/** Whether a value that fulfils `given` fulfils `wanted`. */
function follows(wanted: ValueMatch, given: ValueMatch): boolean {
  if (typeof wanted === 'string') return given === wanted
  if ('regex' in wanted) return typeof given === 'object' && 'regex' in given && given.regex === wanted.regex
  // Whatever is equal to something or found in something is there.
  const isPresent = typeof given === 'string' || 'regex' in given || given.present
  return isPresent === wanted.present
}

function coversActive(outer: ForwardRule['active'], inner: ForwardRule['active']): boolean {
  const from = (active: ForwardRule['active']) => (active?.from == null ? Number.NEGATIVE_INFINITY : Date.parse(active.from))
  const until = (active: ForwardRule['active']) => (active?.until == null ? Number.POSITIVE_INFINITY : Date.parse(active.until))
  return from(outer) <= from(inner) && until(inner) <= until(outer)
}

function coversAddresses(outer: ForwardRule['source_ip'], inner: ForwardRule['source_ip']): boolean {
  if (outer === undefined) return true
  return inner !== undefined && CidrSet.parse(outer).includes(CidrSet.parse(inner))
}
