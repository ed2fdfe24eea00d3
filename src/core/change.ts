/** The words of the change protocol: what is written, what is kept, what travels. */

/** The kinds of item that people write: in documents, files and commits. */
export const documentKinds = ['service', 'forward_rule', 'certificate', 'tier', 'client'] as const
export type DocumentKind = (typeof documentKinds)[number]

/** Every kind of item that a store keeps. A rollout is kept and followed like any other item, but it is no part of a document. */
export const kinds = [...documentKinds, 'rollout'] as const
export type Kind = (typeof kinds)[number]

/** The name of each kind's list in a configuration document (`{forward_rules: [], services: []}`). */
export const collections = {
  forward_rule: 'forward_rules',
  service: 'services',
  certificate: 'certificates',
  tier: 'tiers',
  client: 'clients'
} as const satisfies Record<DocumentKind, string>

export function isDocumentKind(kind: Kind): kind is DocumentKind {
  return (documentKinds as readonly Kind[]).includes(kind)
}

/** One put or delete of one item, as a writer asks for it. `item` is kept as written. */
export type Change =
  | { readonly op: 'put'; readonly kind: Kind; readonly id: string; readonly item: unknown }
  | { readonly op: 'delete'; readonly kind: Kind; readonly id: string }

/** An item as a store keeps it. Nothing is promised about `item`: whoever reads it checks it. */
export interface StoredItem {
  readonly kind: Kind
  readonly id: string
  /** As written; undefined when `fault` is set. */
  readonly item: unknown
  /** Why the stored text could not even be read as a value, for example that it is not JSON. */
  readonly fault?: string
  /** Grows with each new item of the store and is kept when the item is replaced: of two items, the older has the smaller. */
  readonly seq: number
}

/** A change as it was made. A put carries the stored item. */
export type CommittedChange = (
  | ({ readonly op: 'put' } & StoredItem)
  | { readonly op: 'delete'; readonly kind: Kind; readonly id: string }
) & {
  /** In a history only: the item as it was written before, with its `seq`; null when it was not there. */
  readonly previous?: { readonly item: unknown; readonly seq: number } | null
}

/** One or more changes, made atomically. */
export interface Commit {
  /** The revision that this commit made: the one before plus 1. */
  readonly revision: number
  /** When, RFC 3339 in UTC. */
  readonly at: string
  /** Who: a token's name, or the source of the edit (`file`). */
  readonly by: string
  readonly changes: readonly CommittedChange[]
}

/** The whole configuration at one revision. */
export interface ConfigSet {
  readonly revision: number
  /** Identifies the life of the store: another epoch means that the data were lost or replaced, not changed. */
  readonly epoch: string
  /** `at` of the commit that made `revision`, when it is known. */
  readonly head?: string
  /** In any order; `seq` orders them. */
  readonly items: readonly StoredItem[]
}
