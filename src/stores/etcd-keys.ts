import { type Kind, kinds } from '../core/change.ts'
import { below, type KeyRange } from '../etcd/etcd-kv.ts'

/**
 * The names of everything that the store keeps in etcd, below `root`. What is watched stands together from `c` on (`head`, `log`, and the kinds of
 * items); what is not, before: `age`, `alive`, `blob`.
 */
export interface EtcdKeys {
  /** Where the store stands, as JSON: see `EtcdHead`. */
  readonly head: string
  /** Written with every part of a large commit that is put in place, so that it is not taken for edits by hand. */
  readonly filling: string
  /** The item as JSON, as written. */
  item(kind: Kind, id: string): string
  /** Its `seq`. Written with every commit of the item: when the item is newer, it was edited by hand. */
  age(kind: Kind, id: string): string
  /** A commit. */
  log(revision: number): string
  /** The parts of a commit that is too large for one transaction; `id` begins with `blobTime`. */
  blob(id: string): string
  /** The report of an instance. */
  alive(id: string): string
  /** What kind and id an item's key stands for; undefined for any other key. */
  itemOf(key: string): { readonly kind: Kind; readonly id: string } | undefined
  /** The same for the key of an age. */
  itemOfAge(key: string): { readonly kind: Kind; readonly id: string } | undefined
  readonly watched: KeyRange
  readonly logs: KeyRange
  readonly ages: KeyRange
  readonly blobs: KeyRange
  readonly instances: KeyRange
  readonly items: Readonly<Record<Kind, KeyRange>>
}

export function etcdKeys(root: string): EtcdKeys {
  const list = (kind: Kind): string => `${root}/${kind}/`
  const itemOf = (key: string): { kind: Kind; id: string } | undefined => {
    const kind = kinds.find(name => key.startsWith(list(name)))
    return kind === undefined ? undefined : { kind, id: key.slice(list(kind).length) }
  }
  return {
    head: `${root}/head`,
    filling: `${root}/filling`,
    item: (kind, id) => `${list(kind)}${id}`,
    age: (kind, id) => `${root}/age/${kind}/${id}`,
    log: revision => `${root}/log/${padded(revision)}`,
    blob: id => `${root}/blob/${id}/`,
    alive: id => `${root}/alive/${id}`,
    itemOf,
    itemOfAge: key => itemOf(`${root}/${key.slice(`${root}/age/`.length)}`),
    watched: { from: `${root}/c`, to: `${root}/{` },
    logs: below(`${root}/log/`),
    ages: below(`${root}/age/`),
    blobs: below(`${root}/blob/`),
    instances: below(`${root}/alive/`),
    items: Object.fromEntries(kinds.map(kind => [kind, below(list(kind))])) as Record<Kind, KeyRange>
  }
}

/** So that the order of keys is that of numbers. */
export function padded(revision: number): string {
  return String(revision).padStart(16, '0')
}
