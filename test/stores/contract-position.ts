/** The part of the contract (`contract.ts`) about where a store stands. */
import { putRule } from './changes.ts'
import type { Promises } from './contract-follow.ts'

export function positionPromises(promise: Promises): void {
  promise('position says where load would stand, without an epoch where there is none', async (t, open) => {
    const store = open()
    const empty = await store.load()
    t.same(await store.position(), { epoch: empty.epoch === '' ? undefined : empty.epoch, revision: empty.revision, head: empty.head })
    const commit = await store.commit([putRule('a')], 'anna')
    const { epoch, revision, head } = await store.load()
    t.same([revision, head], [commit.revision, commit.at])
    t.same(await store.position(), { epoch, revision, head })
    await store.watch(() => {})
    t.same(await store.position(), { epoch, revision, head }, 'also while it is watched')
  })

  promise('commitsSince goes on from the commit that is named by its head, and from no other', async (t, open) => {
    const store = open()
    await store.load()
    const first = await store.commit([putRule('a')], 'anna')
    const second = await store.commit([putRule('b')], 'anna')
    t.same(await store.commitsSince(first.revision, first.at), [second])
    t.same(await store.commitsSince(second.revision, second.at), [])
    t.equal(await store.commitsSince(first.revision, '2020-01-01T00:00:00.000Z'), undefined)
    t.equal(await store.commitsSince(second.revision, '2020-01-01T00:00:00.000Z'), undefined)
    t.equal(await store.commitsSince(first.revision - 1, first.at), undefined, 'nor from one that the log does not have')
  })
}
