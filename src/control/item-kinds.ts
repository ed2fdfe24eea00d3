/** What the admin API needs to know of each kind of item: one row per kind, so that every resource is the same code. */
import { randomBytes } from 'node:crypto'
import type { Kind } from '../core/change.ts'
import {
  CertificateNotFoundError,
  ClientNotFoundError,
  RolloutNotFoundError,
  RuleNotFoundError,
  ServiceNotFoundError,
  TierNotFoundError
} from '../errors.ts'

export interface ItemKind {
  /** For texts: `there is no rule 'x'`. */
  readonly noun: string
  /** Ids that the server makes begin with this. */
  readonly idPrefix: string
  readonly notFound: (id: string) => Error
}

export const itemKinds = {
  forward_rule: { noun: 'rule', idPrefix: 'rule-', notFound: id => new RuleNotFoundError(id) },
  service: { noun: 'service', idPrefix: 'service-', notFound: id => new ServiceNotFoundError(id) },
  certificate: { noun: 'certificate', idPrefix: 'certificate-', notFound: id => new CertificateNotFoundError(id) },
  tier: { noun: 'tier', idPrefix: 'tier-', notFound: id => new TierNotFoundError(id) },
  client: { noun: 'client', idPrefix: 'client-', notFound: id => new ClientNotFoundError(id) },
  rollout: { noun: 'rollout', idPrefix: 'rollout-', notFound: id => new RolloutNotFoundError(id) }
} as const satisfies Record<Kind, ItemKind>

// Crockford's base32 without i, l, o, u: readable aloud, and safe in a path.
const alphabet = '0123456789abcdefghjkmnpqrstvwxyz'

/** A new id: the kind's prefix and 10 random characters (50 bits). */
export function createId(kind: Kind): string {
  const characters = Array.from(randomBytes(10), byte => alphabet[byte % alphabet.length])
  return itemKinds[kind].idPrefix + characters.join('')
}

export const idPattern: RegExp = /^[A-Za-z0-9._-]{1,64}$/
