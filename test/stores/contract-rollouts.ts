/** A rollout is kept, logged and followed like any other item, although it is in no document. */
import type { Change } from '../../src/core/change.ts'
import { putRule } from './changes.ts'
import type { Promises } from './contract-follow.ts'
import { observe } from './observe.ts'

const put = (id: string, step: number): Change => ({ op: 'put', kind: 'rollout', id, item: { id, step } })

export function rolloutPromises(promise: Promises): void {
  promise('a rollout is kept beside the items, and a commit may hold both', async (t, open) => {
    const store = open()
    const { revision } = await store.commit([putRule('a')], 'anna')
    const head = (await store.position()).head
    const seen = await observe(store)
    await store.commit([put('r', 0), put('s', 0)], 'anna')
    await store.commit([putRule('b'), put('r', 1)], 'anna')
    const set = await store.load()
    t.equal(set.revision, revision + 2)
    t.same(
      set.items.map(({ kind, id }) => `${kind}/${id}`).sort(),
      ['forward_rule/a', 'forward_rule/b', 'rollout/r', 'rollout/s'],
      'nothing is lost'
    )
    const [r, s] = ['r', 's'].map(id => set.items.find(item => item.kind === 'rollout' && item.id === id)!)
    t.same(r!.item, { id: 'r', step: 1 })
    t.ok(r!.seq < s!.seq, 'the one that was there first stays the older')
    const commits = await store.commitsSince(revision, head)
    t.match(commits, [
      { changes: [{ op: 'put', kind: 'rollout', id: 'r' }, { id: 's' }] },
      { changes: [{ kind: 'forward_rule' }, { kind: 'rollout', item: { step: 1 } }] }
    ])
    await store.commit([{ op: 'delete', kind: 'rollout', id: 'r' }], 'anna')
    await seen.until('the delete is told', ({ notices }) => notices.some(commit => commit?.changes[0]?.op === 'delete'))
    const kept = (await store.load()).items.filter(({ kind }) => kind === 'rollout')
    t.same(
      kept.map(({ id }) => id),
      ['s']
    )
  })
}
