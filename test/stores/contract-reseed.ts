/** The part of the contract (`contract.ts`) about stores that can be given back what they lost. */
import type { ConfigSet } from '../../src/core/change.ts'
import { PreconditionError, type ReseedableStore, type WritableStore } from '../../src/core/store.ts'
import { deleteRule, putRule } from './changes.ts'
import type { Promises } from './contract-follow.ts'
import { observe } from './observe.ts'

function isReseedable(store: WritableStore): store is ReseedableStore {
  return 'reseed' in store
}

/** What an instance still serves of a store that is gone. */
const lost: ConfigSet = {
  revision: 41,
  epoch: 'the-life-that-was-lost',
  head: '2026-01-02T03:04:05.678Z',
  items: [
    { kind: 'forward_rule', id: 'b', item: { id: 'b', path: '/b', text: 'ä"\u2028' }, seq: 7 },
    { kind: 'service', id: '__proto__', item: { id: '__proto__', targets: [] }, seq: 3 },
    { kind: 'forward_rule', id: 'unreadable', item: undefined, fault: 'is not JSON', seq: 5 }
  ]
}
const readable = lost.items.filter(({ fault }) => fault === undefined)

const byId = (items: ConfigSet['items']): ConfigSet['items'] => [...items].sort((a, b) => (a.id < b.id ? -1 : 1))

export function reseedPromises(promise: Promises): void {
  promise('what is given back to an empty store goes on where it was lost', async (t, open) => {
    const [store, other] = [open(), open()]
    if (!isReseedable(store)) return t.pass('it cannot be given back anything')
    await Promise.all([store.load(), other.load()])
    const observed = await observe(other)
    const heard = observed.notices.length
    const commit = await store.reseed(lost, 'anna')
    t.match(commit, { revision: 42, by: 'anna', changes: [] })
    await observed.until('a notice', ({ notices }) => notices.length > heard)
    t.same(await store.commitsSince(lost.revision, lost.head), [commit], 'whoever still serves it follows on')
    t.equal(await store.commitsSince(lost.revision, '2026-01-02T03:04:05.000Z'), undefined)
    for (const handle of [store, other]) {
      const { items, ...set } = await handle.load()
      t.same(set, { revision: 42, epoch: lost.epoch, head: commit.at })
      t.same(byId(items), byId(readable), 'with the ages of the items')
    }
    const next = await store.commit([putRule('new'), putRule('b')], 'anna')
    t.match(next, { revision: 43, changes: [{ seq: 8 }, { seq: 7 }] }, 'a new item is younger than all that were given back')
    t.same(await store.commitsSince(42, commit.at), [next])
  })

  promise('what is given back replaces another life, and is refused by its own', async (t, open) => {
    const store = open()
    if (!isReseedable(store)) return t.pass('it cannot be given back anything')
    await store.load()
    await store.commit([putRule('a'), putRule('b')], 'somebody after the loss')
    await store.reseed(lost, 'anna')
    t.same(byId((await store.load()).items), byId(readable))
    await store.commit([deleteRule('b')], 'anna')
    const before = await store.load()
    const error = await store.reseed(lost, 'bert').catch(error => error)
    t.type(error, PreconditionError)
    t.equal(error.revision, 43)
    t.same(await store.load(), before)
    t.same(
      (await store.commitsSince(42))?.map(({ revision }) => revision),
      [43]
    )
  })
}
