/** What the values of settings may be: each of these reads one text. The values themselves are never repeated where they may be secret. */

import { type AdminToken, type Role, roles } from './control/access.ts'
import type { CallLimit } from './control/call-limit.ts'

/** Any text without white space. @throws {Error} whose message says what was expected */
export function toText(text: string): string {
  if (/[\s\0]/.test(text)) throw new Error('must not contain white space')
  return text
}

/** The path of a file. @throws {Error} whose message says what was expected */
export function toFile(text: string): string {
  if (text.includes('\0')) throw new Error('must be the path of a file')
  return text
}

/** A port number, 0 to 65535. @throws {Error} whose message says what was expected */
export function toPort(text: string): number {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port > 65_535) throw new Error(`must be a port number from 0 to 65535, not '${text}'`)
  return port
}

/** A whole number of milliseconds. @throws {Error} whose message says what was expected */
export function toMilliseconds(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`must be a whole number of milliseconds, not '${text}'`)
  return Number(text)
}

/** At least one millisecond. @throws {Error} whose message says what was expected */
export function toPositiveMilliseconds(text: string): number {
  const milliseconds = toMilliseconds(text)
  if (milliseconds === 0) throw new Error('must be at least 1 millisecond')
  return milliseconds
}

/** A whole number from 0. @throws {Error} whose message says what was expected */
export function toCount(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new Error(`must be a whole number, not '${text}'`)
  return Number(text)
}

/** A whole number from 1. @throws {Error} whose message says what was expected */
export function toPositiveCount(text: string): number {
  const count = toCount(text)
  if (count === 0) throw new Error('must be at least 1')
  return count
}

/** So many calls in a window: `N`, in ten seconds, or `N/seconds`; `0` is no limit. @throws {Error} whose message says what was expected */
export function toCallLimit(text: string): CallLimit | undefined {
  const [, max, seconds = '10'] = /^(\d{1,9})(?:\/(\d{1,5}))?$/.exec(text) ?? []
  if (max === undefined || Number(seconds) === 0) throw new Error(`must be N or N/seconds, not '${text}'`)
  return Number(max) === 0 ? undefined : { max: Number(max), windowMs: Number(seconds) * 1_000 }
}

/** A whole number from 0 to 100. @throws {Error} whose message says what was expected */
export function toPercent(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > 100) throw new Error(`must be a whole number from 0 to 100, not '${text}'`)
  return Number(text)
}

/** `true` or `false`. @throws {Error} whose message says what was expected */
export function toBoolean(text: string): boolean {
  if (text !== 'true' && text !== 'false') throw new Error(`must be true or false, not '${text}'`)
  return text === 'true'
}

/** One of `names`. @throws {Error} whose message says what was expected */
export function oneOf<T extends string>(names: readonly T[]): (text: string) => T {
  return text => {
    if (!names.includes(text as T)) throw new Error(`must be one of ${names.join(', ')}, not '${text}'`)
    return text as T
  }
}

/** A list, comma separated; empty parts are dropped. */
export function toList(text: string): readonly string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
}

/** A path of the proxy port. @throws {Error} whose message says what was expected */
export function toPath(text: string): string {
  if (!/^\/[\x21-\x7e]*$/.test(text)) throw new Error(`must be a path that begins with '/', not '${text}'`)
  return text
}

/** A name that separates configurations in one store. @throws {Error} whose message says what was expected */
export function toNamespace(text: string): string {
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(text)) throw new Error(`must be 1-64 of a-z A-Z 0-9 . _ -, not '${text}'`)
  return text
}

/** The URL of a store. @throws {Error} whose message says what was expected */
// The value itself is never printed: it may hold a password.
export function toStore(text: string): string {
  if (!/^(file:.+|(rediss?(\+(sentinel|cluster))?|etcds?):\/\/.+|memory:)$/s.test(text))
    throw new Error('must be file:PATH, redis://…, rediss://…, redis+sentinel://…, redis+cluster://…, etcd://… or memory:')
  return text
}

/** The URL of a Redis. @throws {Error} whose message says what was expected */
export function toRedis(text: string): string {
  if (!/^rediss?(\+(sentinel|cluster))?:\/\/.+$/s.test(text))
    throw new Error('must be redis://…, rediss://…, redis+sentinel://… or redis+cluster://…')
  return text
}

/** A bearer token. @throws {Error} whose message says what was expected */
export function toToken(text: string): string {
  if (!/^[\x21-\x7e]{1,512}$/.test(text)) throw new Error('must be 1-512 printable characters without spaces')
  return text
}

/** Tokens with their names and roles: `name:role:token,…`. @throws {Error} whose message says what was expected */
export function toTokens(text: string): readonly AdminToken[] {
  return toList(text).map(entry => {
    const [name = '', role = '', ...rest] = entry.split(':')
    const token = rest.join(':')
    if (!/^[A-Za-z0-9._-]{1,64}$/.test(name) || !roles.includes(role as Role) || token === '')
      throw new Error('must be name:role:token,… with the roles viewer, editor, admin')
    return { name, role: role as Role, token: toToken(token) }
  })
}
