/**
 * What is write-only: private keys of certificates and of services for their targets, API keys, and the secrets of discovery. No answer shows them, so
 * what was answered and is written back must not lose them.
 */
import type { Kind } from '../core/change.ts'
import type { ConfigState } from '../core/config-state.ts'
import { withKeptApiKeys, withMadeKeys, withoutApiKeys } from './api-keys.ts'
import type { ItemRef } from './config-diff.ts'
import { withKeptSecrets, withoutDiscoverySecrets } from './discovery-secrets.ts'
import { isRecord } from './is-record.ts'
import type { PlannedChange } from './planned-change.ts'

/** What answers add to a certificate and nobody writes. */
const readOnlyFields: ReadonlySet<string> = new Set(['not_before', 'not_after', 'issuer', 'subject', 'fingerprint'])

/** The item as it is to be stored: without what answers add, and with the stored secrets where it names none. */
export function withKeptKey(state: ConfigState, { kind, id }: ItemRef, item: unknown): unknown {
  if (!isRecord(item)) return item
  if (kind === 'certificate') {
    const own = Object.fromEntries(Object.entries(item).filter(([name]) => !readOnlyFields.has(name)))
    return withKeyOf(own, storedAs(state, kind, id))
  }
  if (kind === 'client') return withKeptApiKeys(item, storedAs(state, kind, id))
  if (kind !== 'service') return item
  const stored = storedAs(state, kind, id)
  return withKeptSecrets(withKeptTlsKey(item, stored), stored)
}

function withKeptTlsKey(item: Record<string, unknown>, stored: Record<string, unknown> | undefined): Record<string, unknown> {
  if (!isRecord(item.tls) || typeof item.tls.cert !== 'string') return item
  const tls = withKeyOf(item.tls, stored?.tls)
  return tls === item.tls ? item : { ...item, tls }
}

function withKeyOf(own: Record<string, unknown>, stored: unknown): Record<string, unknown> {
  if (Object.hasOwn(own, 'key') || !isRecord(stored) || !Object.hasOwn(stored, 'key')) return own
  return { ...own, key: stored.key }
}

function storedAs(state: ConfigState, kind: Kind, id: string): Record<string, unknown> | undefined {
  const stored = state.held(kind, id)?.stored.item ?? state.get(kind, id)?.written
  return isRecord(stored) ? stored : undefined
}

/** The changes with every item as it is to be stored. */
export function keepKeys(state: ConfigState, changes: readonly PlannedChange[]): readonly PlannedChange[] {
  return changes.map(planned => {
    const { change, pointer } = planned
    if (change.op === 'delete') return planned
    const item = withKeptKey(state, change, change.item)
    // Who writes one client by itself reads in the answer what was made; from a document nobody would learn it.
    if (change.kind === 'client' && pointer === '') return withMadeKeys(planned, item)
    return item === change.item ? planned : { ...planned, change: { ...change, item } }
  })
}

/** An item in a form that may be shown: the same one when it holds no secret. */
export function withoutSecrets(kind: Kind, item: unknown): unknown {
  if (!isRecord(item)) return item
  if (kind === 'certificate') return withoutKey(item)
  if (kind === 'client') return withoutApiKeys(item)
  if (kind === 'service') return withoutDiscoverySecrets(withoutTlsKey(item))
  if (kind === 'rollout' && Array.isArray(item.changes)) return { ...item, changes: item.changes.map(shownChange) }
  return item
}

function withoutTlsKey(item: Record<string, unknown>): Record<string, unknown> {
  return isRecord(item.tls) && Object.hasOwn(item.tls, 'key') ? { ...item, tls: withoutKey(item.tls) } : item
}

/** A change of a rollout. */
function shownChange(change: unknown): unknown {
  return isRecord(change) && isRecord(change.item) ? { ...change, item: withoutSecrets(change.kind as Kind, change.item) } : change
}

function withoutKey({ key: _key, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return rest
}
