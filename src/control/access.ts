/** Who may use the admin API: bearer tokens with roles, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto'

/** What a token may do; each role may do all that the ones before it may. */
export const roles = ['viewer', 'editor', 'admin'] as const
export type Role = (typeof roles)[number]

/** A bearer token of the admin API. */
export interface AdminToken {
  /** Who it stands for in the history: `by` of a commit. */
  readonly name: string
  readonly role: Role
  readonly token: string
}

/** Who makes a request. */
export interface Caller {
  readonly name: string
  readonly role: Role
}

/** Who everybody is when no token is configured. */
export const anonymous: Caller = { name: 'anonymous', role: 'admin' }

export function mayAct(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed)
}

/**
 * Finds the caller of a token. Digests of equal length are compared, and always all of them, so that the time it takes tells neither
 * how much of a token was right nor which one came close.
 */
export function createTokenLookup(tokens: readonly AdminToken[]): (presented: string) => Caller | undefined {
  const known = tokens.map(({ name, role, token }) => ({ digest: digestOf(token), caller: { name, role } }))
  return presented => {
    const digest = digestOf(presented)
    let found: Caller | undefined
    for (const { digest: expected, caller } of known) if (timingSafeEqual(digest, expected)) found ??= caller
    return found
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
