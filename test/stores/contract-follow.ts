/** The part of the contract (`contract.ts`) about following a store: its log, its notices, its end. */
import type { Test } from 'tap'
import type { Commit } from '../../src/core/change.ts'
import type { WritableStore } from '../../src/core/store.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { deleteRule, putRule } from './changes.ts'
import { observe } from './observe.ts'

/** Opens a handle on one and the same store, each time it is called. */
export type OpenHandle = () => WritableStore

/** Registers one promise of the contract: its text and the check, which opens as many handles as it needs. */
export type Promises = (text: string, check: (t: Test, open: OpenHandle) => Promise<unknown>) => void

export function logPromises(promise: Promises): void {
  promise('commitsSince returns every commit made while nobody watched', async (t, open) => {
    const store = open()
    const { revision } = await store.load()
    const made = [
      await store.commit([putRule('a'), { op: 'put', kind: 'service', id: 's', item: { id: 's' } }], 'anna'),
      await store.commit([putRule('a', { priority: 2 })], 'bert'),
      await store.commit([deleteRule('a')], 'anna')
    ]
    t.same(await store.commitsSince(revision), made)
    t.same(await store.commitsSince(revision + 2), made.slice(2))
    t.same(await store.commitsSince(revision + 3), [])
  })

  promise('commitsSince is undefined for a revision from the future', async (t, open) => {
    const store = open()
    const { revision } = await store.load()
    t.same(await store.commitsSince(revision), [])
    t.equal(await store.commitsSince(revision + 1), undefined)
    await store.commit([putRule('a')], 'anna')
    t.equal(await store.commitsSince(revision + 2), undefined)
    t.equal(await store.commitsSince(1_000_000), undefined)
  })

  promise('commitsSince is undefined once the log no longer reaches back, and exact where it does', async (t, open) => {
    const store = open()
    const { revision } = await store.load()
    let commits = 0
    while ((await store.commitsSince(revision)) !== undefined) {
      if (++commits > 300) throw new Error('the log grows without a bound')
      await store.commit([putRule(`rule-${commits % 3}`)], 'anna')
    }
    t.ok(commits > 1)
    const last = await store.commitsSince(revision + commits - 1)
    t.same(
      last?.map(commit => commit.revision),
      [revision + commits]
    )
  })
}

export function watchPromises(promise: Promises): void {
  promise('each commit reaches every watcher with its content, the writer too', async (t, open) => {
    const [writer, other] = [open(), open()]
    await Promise.all([writer.load(), other.load()])
    const watching = [await observe(writer), await observe(other)]
    const made: Commit[] = []
    for (const changes of [[putRule('a'), putRule('b')], [putRule('a', { priority: 9 })], [deleteRule('b')]]) {
      made.push(await writer.commit(changes, 'anna'))
      await Promise.all(
        watching.map(observed => observed.until(`commit ${made.length}`, ({ commits }) => commits().length === made.length))
      )
    }
    t.same(watching[0]!.commits(), made)
    const withoutSource = (commits: Commit[]) => commits.map(({ revision, changes }) => ({ revision, changes }))
    t.same(withoutSource(watching[1]!.commits()), withoutSource(made))
    for (const { states } of watching) t.same(states, [{ up: true }])
  })

  promise('a commit made between load and watch is not lost', async (t, open) => {
    const [writer, other] = [open(), open()]
    const { revision } = await other.load()
    await writer.commit([putRule('a')], 'anna')
    const observed = await observe(other)
    await observed.until('a notice', ({ notices }) => notices.length > 0)
    t.same(
      (await other.commitsSince(revision))?.flatMap(({ changes }) => changes.map(({ id }) => id)),
      ['a']
    )
  })
}

export function closePromises(promise: Promises): void {
  promise('close can be repeated, and a closed handle rejects', async (t, open) => {
    const store = open()
    await store.load()
    await observe(store)
    await Promise.all([store.close(), store.close()])
    await store.close()
    await t.rejects(store.load(), StoreUnavailableError)
    await t.rejects(store.commit([putRule('a')], 'anna'), StoreUnavailableError)
    await t.rejects(store.commitsSince(0), StoreUnavailableError)
    await t.rejects(store.position(), StoreUnavailableError)
    await t.rejects(
      store.watch(() => {}),
      StoreUnavailableError
    )
    await open().close()
  })

  promise('when one handle closes the other goes on, and the closed one hears nothing', async (t, open) => {
    const [one, other] = [open(), open()]
    await Promise.all([one.load(), other.load()])
    const [closed, watching] = [await observe(one), await observe(other)]
    await one.close()
    const heard = closed.notices.length
    await other.commit([putRule('a')], 'anna')
    await watching.until('the commit', ({ commits }) => commits().length === 1)
    t.equal(closed.notices.length, heard)
    t.equal((await other.load()).items.length, 1)
  })
}
