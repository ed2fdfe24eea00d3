/** Promises about every kind of item: none is kept less well than another. */
import { documentKinds } from '../../src/core/change.ts'
import type { Promises } from './contract-follow.ts'

/** Something of each kind that a store, which reads nothing of it, may be given. */
const itemOf = (kind: string) => ({ id: 'one', description: `a ${kind}`, labels: { kind } })

export function kindPromises(promise: Promises): void {
  promise('items of every kind are kept as they were written, logged, replaced and deleted', async (t, open) => {
    const [writer, reader] = [open(), open()]
    const { revision } = await writer.load()
    const head = (await writer.position()).head
    await writer.commit(
      documentKinds.map(kind => ({ op: 'put', kind, id: 'one', item: itemOf(kind) })),
      'test'
    )
    const { items } = await reader.load()
    for (const kind of documentKinds) {
      const found = items.find(item => item.kind === kind)
      t.match(found, { id: 'one', item: itemOf(kind) }, kind)
    }
    const [commit] = (await writer.commitsSince(revision, head)) ?? []
    t.same(new Set(commit?.changes.map(({ kind }) => kind)), new Set(documentKinds))
    await writer.commit(
      [
        { op: 'delete', kind: 'client', id: 'one' },
        { op: 'put', kind: 'tier', id: 'one', item: { id: 'one', description: 'changed' } }
      ],
      'test'
    )
    const left = (await reader.load()).items
    t.same(new Set(left.map(({ kind }) => kind)), new Set(documentKinds.filter(kind => kind !== 'client')))
    t.match(
      left.find(({ kind }) => kind === 'tier'),
      { item: { description: 'changed' } }
    )
  })
}
