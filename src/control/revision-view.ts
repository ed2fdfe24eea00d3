/** Commits as the admin API shows them. */
import type { Commit, CommittedChange, Kind } from '../core/change.ts'
import { type DiffEntry, differences } from './config-diff.ts'
import { withoutDiscoverySecrets } from './discovery-secrets.ts'

/** Wire shape of a commit in a list. */
export interface RevisionSummary {
  readonly revision: number
  readonly at: string
  readonly by: string
  readonly changes: readonly { readonly op: DiffEntry['op']; readonly kind: Kind; readonly id: string }[]
}

/** Wire shape of a commit with what it changed. */
export interface RevisionDetail extends RevisionSummary {
  /** Items as they were written; null where there was none, or one that could not be read. */
  readonly changes: readonly (DiffEntry & { readonly before: unknown; readonly after: unknown })[]
}

/** @param commit of a history: with `previous` */
export function toRevisionSummary({ revision, at, by, changes }: Commit): RevisionSummary {
  return { revision, at, by, changes: changes.map(change => ({ op: opOf(change), kind: change.kind, id: change.id })) }
}

/** @param commit of a history: with `previous` */
export function toRevisionDetail({ revision, at, by, changes }: Commit): RevisionDetail {
  return { revision, at, by, changes: changes.map(toDetail) }
}

function toDetail(change: CommittedChange): RevisionDetail['changes'][number] {
  const { kind, id, previous } = change
  const op = opOf(change)
  const before = previous?.item ?? null
  const after = change.op === 'put' ? (change.item ?? null) : null
  return {
    op,
    kind,
    id,
    ...(op === 'update' ? { changed: differences(before, after) } : {}),
    before: shown(kind, before),
    after: shown(kind, after)
  }
}

function shown(kind: Kind, item: unknown): unknown {
  return kind === 'service' ? withoutDiscoverySecrets(item) : item
}

function opOf(change: CommittedChange): DiffEntry['op'] {
  const wasThere = change.previous !== null && change.previous !== undefined
  if (change.op === 'delete') return wasThere ? 'delete' : 'unchanged'
  if (!wasThere) return 'create'
  return differences(change.previous?.item, change.item).length === 0 ? 'unchanged' : 'update'
}
