import type { ConfigSet, StoredItem } from '../core/change.ts'

/** A `ConfigSet` whose head may not be known. `items` is copied. */
export function toConfigSet(revision: number, epoch: string, head: string | undefined, items: Iterable<StoredItem>): ConfigSet {
  return { revision, epoch, ...(head === undefined ? {} : { head }), items: [...items] }
}
