import { type Change, type Commit, type CommittedChange, type ConfigSet, isDocumentKind, type StoredItem } from '../core/change.ts'
import type { StorePosition } from '../core/store.ts'
import { type CommitLog, previousOf } from './commit-log.ts'
import { toConfigSet } from './config-set.ts'

/** One life: a file that is gone or empty is never read as a new one, and its revisions begin anew with each process anyhow. */
const epoch = 'file-store'

/** What a file store knows of its file: the items as they were read last, and the revisions since it was opened. */
export class FileState {
  readonly log: CommitLog
  readonly #items = new Map<string, StoredItem>()
  #revision = 0

  constructor(log: CommitLog) {
    this.log = log
  }

  /** 0 until the file was read for the first time, which is revision 1. */
  get revision(): number {
    return this.#revision
  }

  /** What the file holds. Rollouts are not in it: they are kept here only, and end with the process. */
  get items(): StoredItem[] {
    return [...this.#items.values()].filter(({ kind }) => isDocumentKind(kind))
  }

  get set(): ConfigSet {
    return toConfigSet(this.#revision, epoch, this.log.headOf(this.#revision), this.#items.values())
  }

  get position(): StorePosition {
    return { epoch, revision: this.#revision, head: this.log.headOf(this.#revision) }
  }

  /** Takes what the file held at first. It is no commit: nobody made it now. */
  begin(changes: readonly CommittedChange[]): void {
    this.#apply(changes)
    this.#revision = 1
  }

  /** Takes the changes as the next commit. */
  record(changes: readonly CommittedChange[], by: string): Commit {
    const previous = changes.map(change => previousOf(this.#items.get(keyOf(change))))
    this.#apply(changes)
    this.#revision += 1
    const commit: Commit = { revision: this.#revision, at: new Date().toISOString(), by, changes }
    this.log.append(commit, previous)
    return commit
  }

  /** Changes of what is not in the file, as a commit makes them. */
  toCommitted(changes: readonly Change[]): CommittedChange[] {
    let highest = [...this.#items.values()].reduce((most, { seq }) => Math.max(most, seq), 0)
    return changes.map(({ kind, id, ...change }) => {
      if (change.op === 'delete') return { op: 'delete', kind, id }
      return { op: 'put', kind, id, item: change.item, seq: this.#items.get(keyOf({ kind, id }))?.seq ?? ++highest }
    })
  }

  #apply(changes: readonly CommittedChange[]): void {
    for (const change of changes) {
      if (change.op === 'delete') this.#items.delete(keyOf(change))
      else {
        const { op, ...item } = change
        this.#items.set(keyOf(item), item)
      }
    }
  }
}

function keyOf({ kind, id }: Pick<StoredItem, 'kind' | 'id'>): string {
  return `${kind}/${id}`
}
