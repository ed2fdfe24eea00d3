/** How far a write has come: which instances follow it. Pure, so that every case is a row of a test. */
import type { Kind } from '../core/change.ts'
import { keyOf } from '../core/live-item.ts'
import type { InstanceReport } from '../core/store.ts'

/** Ids of instances, each in one list. */
export interface Spread {
  /** They follow the write. */
  readonly applied: readonly string[]
  /** They have not said yet that they do. */
  readonly pending: readonly string[]
  /** They follow the revision, without an item of the write: it cannot be live there. */
  readonly rejected: readonly { readonly instance: string; readonly reason: string }[]
}

/** What was written. */
export interface WrittenItems {
  readonly revision: number
  readonly items: readonly { readonly kind: Kind; readonly id: string }[]
}

/** Waits for the instances that share a store. */
export interface SpreadWait {
  /** Resolves once no live instance is pending, or after `timeoutMs`. Never rejects: whoever cannot be asked is pending. */
  reach(written: WrittenItems, timeoutMs: number): Promise<Spread>
}

/** Whether every instance follows the write. */
export function isEverywhere({ pending, rejected }: Spread): boolean {
  return pending.length === 0 && rejected.length === 0
}

/** @param self what this instance says of itself now; it has applied the write */
export function spreadOf(written: WrittenItems, self: InstanceReport, reports: readonly InstanceReport[]): Spread {
  const keys = new Set(written.items.map(({ kind, id }) => keyOf(kind, id)))
  const applied = [self.id]
  const pending: string[] = []
  const rejected: { instance: string; reason: string }[] = []
  for (const report of reports) {
    if (report.id === self.id) continue
    const refusal = report.rejected.find(({ kind, id }) => keys.has(keyOf(kind, id)))
    if (!hasReached(report, written.revision, self)) pending.push(report.id)
    else if (refusal !== undefined) rejected.push({ instance: report.id, reason: `${keyOf(refusal.kind, refusal.id)}: ${refusal.reason}` })
    else applied.push(report.id)
  }
  return { applied, pending, rejected }
}

// A number alone proves nothing: after the store lost commits, an instance may still be at a high revision of a past that is gone. It
// counts when it is where we were or are; one that is ahead of us counts as soon as we are there as well and hold the same.
function hasReached(report: InstanceReport, revision: number, self: InstanceReport): boolean {
  if (!isSameLife(report, self) || report.revision < revision || report.revision > self.revision) return false
  return report.revision < self.revision || report.digest === self.digest
}

/** Whether the revisions of two reports can be compared. An instance learns the epoch of a new store a little after its first commit. */
export function isSameLife({ epoch: a = '' }: InstanceReport, { epoch: b = '' }: InstanceReport): boolean {
  return a === '' || b === '' || a === b
}
