/**
 * The token or password with which a service asks its source of targets. No answer shows them, so what was answered and is written back
 * must not lose them.
 */
import { isRecord } from './is-record.ts'

const secrets = ['token', 'password'] as const

/** A service in a form that may be shown: the same one when it holds no secret. */
export function withoutDiscoverySecrets<T>(item: T): T {
  if (!isRecord(item) || !isRecord(item.discovery)) return item
  const { discovery } = item
  if (!secrets.some(name => Object.hasOwn(discovery, name))) return item
  const { token: _token, password: _password, ...shown } = discovery
  return { ...item, discovery: shown } as T
}

/** Whether `item` names a secret that is not the stored one. */
export function changesDiscoverySecrets(stored: unknown, item: unknown): boolean {
  const [before, after] = [stored, item].map(discoveryOf)
  return after !== undefined && secrets.some(name => after[name] !== undefined && after[name] !== before?.[name])
}

/**
 * A service as it is to be stored: with the stored secrets where it names none and asks the same server. A secret goes to the server that it
 * was given for, and to no other: or whoever may write could have it sent to himself.
 */
export function withKeptSecrets(item: Record<string, unknown>, stored: unknown): Record<string, unknown> {
  const [own, kept] = [discoveryOf(item), discoveryOf(stored)]
  if (own === undefined || kept === undefined || own.type !== kept.type || own.address !== kept.address) return item
  const missing = secrets.filter(name => Object.hasOwn(kept, name) && !Object.hasOwn(own, name))
  if (missing.length === 0) return item
  return { ...item, discovery: { ...own, ...Object.fromEntries(missing.map(name => [name, kept[name]])) } }
}

function discoveryOf(item: unknown): Record<string, unknown> | undefined {
  return isRecord(item) && isRecord(item.discovery) ? item.discovery : undefined
}
