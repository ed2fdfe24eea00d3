/** The part of the contract (`contract.ts`) about stores that keep who did what and when. */
import type { HistoryStore, WritableStore } from '../../src/core/store.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { deleteRule, putRule } from './changes.ts'
import type { Promises } from './contract-follow.ts'

function hasHistory(store: WritableStore): store is WritableStore & HistoryStore {
  return 'history' in store
}

export function historyPromises(promise: Promises): void {
  promise('history tells every commit, newest first, with what each change replaced', async (t, open) => {
    const store = open()
    if (!hasHistory(store)) return t.pass('it keeps none')
    await store.load()
    const made = [
      await store.commit([putRule('a'), deleteRule('never there')], 'anna'),
      await store.commit([putRule('a', { priority: 2 }), putRule('b')], 'bert'),
      await store.commit([deleteRule('a')], 'anna')
    ]
    const [deleted, replaced, first, ...more] = await store.history({ limit: 10 })
    t.same(more, [])
    t.match([first, replaced, deleted], made, 'the commits as they were made')
    const [put] = first!.changes
    const seq = put?.op === 'put' ? put.seq : undefined
    t.same(previousOf(first), [null, null])
    t.same(previousOf(replaced), [{ item: { id: 'a', path: '/a', target: 'http://127.0.0.1:9' }, seq }, null])
    t.same(previousOf(deleted), [{ item: { id: 'a', path: '/a', target: 'http://127.0.0.1:9', priority: 2 }, seq }])
    t.notOk(JSON.stringify(made).includes('previous'), 'the commits themselves do not carry it')
    t.same(await store.commitsSince(made[0]!.revision), made.slice(1), 'nor does the log')
  })

  promise('history goes back page by page, as far as the log reaches', async (t, open) => {
    const store = open()
    if (!hasHistory(store)) return t.pass('it keeps none')
    const { revision } = await store.load()
    for (let index = 1; index <= 5; index += 1) await store.commit([putRule(`r${index}`)], 'anna')
    const page = async (limit: number, before?: number) =>
      (await store.history({ limit, ...(before === undefined ? {} : { before }) })).map(commit => commit.revision - revision)
    t.same(await page(2), [5, 4])
    t.same(await page(2, revision + 4), [3, 2])
    t.same(await page(2, revision + 2), [1])
    t.same(await page(2, revision + 1), [])
    t.same(await page(3, revision + 100), [5, 4, 3])
  })

  promise('a closed handle has no history', async (t, open) => {
    const store = open()
    if (!hasHistory(store)) return t.pass('it keeps none')
    await store.close()
    await t.rejects(store.history({ limit: 1 }), StoreUnavailableError)
  })
}

function previousOf(commit: Awaited<ReturnType<HistoryStore['history']>>[number] | undefined): unknown[] | undefined {
  return commit?.changes.map(change => change.previous)
}
