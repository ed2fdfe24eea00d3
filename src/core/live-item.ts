/** The shapes of the items a state holds: live ones, and those that cannot be live. */
import type { Certificate } from '../../schemas/certificate.ts'
import type { Client } from '../../schemas/client.ts'
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import type { Rollout } from '../../schemas/rollout.ts'
import type { Service } from '../../schemas/service.ts'
import type { Tier } from '../../schemas/tier.ts'
import type { Fault } from '../errors.ts'
import type { Kind, StoredItem } from './change.ts'
import type { CompiledClient, CompiledTier } from './client.ts'
import type { CompiledCertificate, CompiledRule, CompiledService } from './route.ts'

interface ItemOf {
  forward_rule: ForwardRule
  service: Service
  certificate: Certificate
  tier: Tier
  client: Client
  rollout: Rollout
}

interface CompiledOf {
  forward_rule: CompiledRule
  service: CompiledService
  certificate: CompiledCertificate
  tier: CompiledTier
  client: CompiledClient
  /** Nothing of a rollout itself is compiled. */
  rollout: undefined
}

/** An item that is live. */
export interface LiveItem<K extends Kind = Kind> {
  readonly kind: K
  readonly id: string
  /** Canonical: lists are lists, defaults filled in. What the API answers. */
  readonly item: ItemOf[K]
  readonly compiled: CompiledOf[K]
  /** As written; what the store keeps. */
  readonly written: unknown
  readonly seq: number
  /** The revision that last changed it, as far as this instance knows. */
  readonly revision: number
}

/** An item that passed every check that needs no other item. */
export type ParsedItem =
  | { readonly refused: false; readonly kind: 'forward_rule'; readonly item: ForwardRule; readonly compiled: CompiledRule }
  | { readonly refused: false; readonly kind: 'service'; readonly item: Service; readonly compiled: CompiledService }
  | { readonly refused: false; readonly kind: 'certificate'; readonly item: Certificate; readonly compiled: CompiledCertificate }
  | { readonly refused: false; readonly kind: 'tier'; readonly item: Tier; readonly compiled: CompiledTier }
  | { readonly refused: false; readonly kind: 'client'; readonly item: Client; readonly compiled: CompiledClient }
  | { readonly refused: false; readonly kind: 'rollout'; readonly item: Rollout; readonly compiled: undefined }

/** Why an item cannot be live. */
export interface ItemRefusal {
  readonly refused: true
  /** `validation_failed`, `unsafe_regex`, `unknown_service`, `unknown_tier`, `rule_conflict`, `key_conflict`, `unreadable`. */
  readonly code: string
  /** Pointers are relative to the item. */
  readonly faults: readonly Fault[]
  /** The other item concerned: the unknown service or tier, the rule with the same match, the client with the same key. */
  readonly other?: string
}

/** Checks and compiles one item. Must be pure. */
export type ItemParser = (stored: StoredItem) => ParsedItem | ItemRefusal

/** An item that the store holds and that is not live, with why. Its previous version, if there was one, is. */
export interface Quarantined {
  readonly kind: Kind
  readonly id: string
  readonly code: string
  readonly faults: readonly Fault[]
  /** Whether an earlier version of it is still live. */
  readonly previousLive: boolean
  /** The revision that brought it. */
  readonly revision: number
}

/** A stored item that waits outside, because of `refusal`. */
export interface HeldItem {
  readonly stored: StoredItem
  readonly refusal: ItemRefusal
  readonly revision: number
}

/** One name for an item of any kind. */
export function keyOf(kind: Kind, id: string): string {
  return `${kind}/${id}`
}

/** The name back from `keyOf`. */
export function nameOf(key: string): { readonly kind: Kind; readonly id: string } {
  const at = key.indexOf('/')
  return { kind: key.slice(0, at) as Kind, id: key.slice(at + 1) }
}
