/** What every store promises (`src/core/store.ts`), run by each of them. */
import t, { type Test } from 'tap'
import type { Commit, ConfigSet, StoredItem } from '../../src/core/change.ts'
import { PreconditionError } from '../../src/core/store.ts'
import { deleteRule, putRule } from './changes.ts'
import { fleetPromises } from './contract-fleet.ts'
import { closePromises, logPromises, type OpenHandle, type Promises, watchPromises } from './contract-follow.ts'
import { historyPromises } from './contract-history.ts'
import { kindPromises } from './contract-kinds.ts'
import { positionPromises } from './contract-position.ts'
import { reseedPromises } from './contract-reseed.ts'
import { rolloutPromises } from './contract-rollouts.ts'
import { observe } from './observe.ts'

export interface ContractOptions {
  /** Whether the handles of one store know of each other's instances. Default true. */
  readonly sharesFleet?: boolean
}

/** @param setUp makes a new, empty store for each promise; its log keeps few commits (about 10). */
export function storeContract(name: string, setUp: (t: Test) => OpenHandle | Promise<OpenHandle>, options: ContractOptions = {}): void {
  const promise = (text: string, check: (t: Test, open: OpenHandle) => Promise<unknown>): void => {
    t.test(`${name}: ${text}`, async t => {
      const open = await setUp(t)
      await check(t, () => {
        const store = open()
        t.teardown(() => store.close())
        return store
      })
    })
  }
  itemPromises(promise)
  kindPromises(promise)
  commitPromises(promise)
  positionPromises(promise)
  logPromises(promise)
  watchPromises(promise)
  closePromises(promise)
  historyPromises(promise)
  reseedPromises(promise)
  fleetPromises(promise, options)
  rolloutPromises(promise)
}

function itemOf(set: ConfigSet, id: string): StoredItem | undefined {
  return set.items.find(item => item.kind === 'forward_rule' && item.id === id)
}

function fieldsOf<T>(set: ConfigSet, id: string): T {
  return itemOf(set, id)?.item as T
}

function seqOf(set: ConfigSet, id: string): number {
  const item = itemOf(set, id)
  if (item === undefined) throw new Error(`there is no ${id}`)
  return item.seq
}

function itemPromises(promise: Promises): void {
  promise('a new store is empty, and has an epoch from its first commit on', async (t, open) => {
    const [writer, reader] = [open(), open()]
    const [one, other] = [await writer.load(), await reader.load()]
    t.same(one.items, [])
    t.same(other.items, [])
    t.equal(one.revision, other.revision)
    await writer.commit([putRule('a')], 'anna')
    const { epoch } = await writer.load()
    t.match(epoch, /^.{8,}$/)
    await writer.commit([putRule('b')], 'anna')
    t.equal((await writer.load()).epoch, epoch)
  })

  promise('what is put is loaded as written, and what is deleted is gone', async (t, open) => {
    const store = open()
    const { revision } = await store.load()
    const service = { id: 'rule-1', targets: [{ url: 'http://127.0.0.1:9', weight: 3 }] }
    await store.commit([putRule('rule-1', { methods: ['GET'] }), { op: 'put', kind: 'service', id: 'rule-1', item: service }], 'anna')
    const set = await store.load()
    t.equal(set.revision, revision + 1)
    t.match(itemOf(set, 'rule-1'), { item: { id: 'rule-1', path: '/rule-1', methods: ['GET'] }, fault: undefined })
    t.same(set.items.find(({ kind }) => kind === 'service')?.item, service)
    await store.commit([deleteRule('rule-1')], 'anna')
    t.same(
      (await store.load()).items.map(({ kind, id }) => `${kind}/${id}`),
      ['service/rule-1']
    )
  })

  promise('a commit says who, when and what', async (t, open) => {
    const store = open()
    await store.load()
    const commit = await store.commit([putRule('a'), deleteRule('b')], 'anna "the" admin')
    t.equal(commit.by, 'anna "the" admin')
    t.match(commit.at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
    t.ok(Math.abs(Date.parse(commit.at) - Date.now()) < 10_000, 'the time is now')
    t.match(commit.changes, [
      { op: 'put', kind: 'forward_rule', id: 'a', item: { id: 'a', path: '/a' } },
      { op: 'delete', kind: 'forward_rule', id: 'b' }
    ])
    const [put] = commit.changes
    t.ok(put?.op === 'put' && put.seq === seqOf(await store.load(), 'a'), 'a put carries its seq')
  })

  promise('a new item is younger than all others, a replaced one keeps its age, a recreated one is new', async (t, open) => {
    const store = open()
    for (const id of ['a', 'b', 'c']) await store.commit([putRule(id)], 'anna')
    const before = await store.load()
    t.ok(seqOf(before, 'a') < seqOf(before, 'b') && seqOf(before, 'b') < seqOf(before, 'c'))
    await store.commit([putRule('a', { priority: 5 })], 'anna')
    const replaced = await store.load()
    t.equal(seqOf(replaced, 'a'), seqOf(before, 'a'))
    await store.commit([deleteRule('c')], 'anna')
    await store.commit([putRule('c')], 'anna')
    t.ok(seqOf(await store.load(), 'c') > seqOf(before, 'c'))
  })

  promise('unusual ids and values survive', async (t, open) => {
    const [writer, reader] = [open(), open()]
    const values = JSON.parse(
      '{"__proto__": {"polluted": true}, "constructor": 1, "text": "ä€𝄞\\u0000\\u2028\\ufeff\\n# - : ~ null", "none": null}'
    )
    const ids = ['__proto__', 'null', '0', 'Ünïcödé', '- a: b # c', '{x}', 'true', '"']
    await writer.commit(
      ids.map(id => putRule(id, { labels: values, empty: [{}, [], ''], 'a key: #': -1.5e300 })),
      'anna'
    )
    const set = await reader.load()
    t.same(set.items.map(({ id }) => id).sort(), [...ids].sort())
    for (const id of ids) {
      const { labels, empty } = fieldsOf<{ labels: object; empty: unknown }>(set, id)
      t.equal(JSON.stringify(labels), JSON.stringify(values), id)
      t.equal(Object.getPrototypeOf(labels), Object.prototype, 'no key has become a prototype')
      t.same(empty, [{}, [], ''])
    }
  })

  promise('a big item comes back whole, a boundless one is refused', async (t, open) => {
    const store = open()
    const body = '0123456789 ä"\\\n'.repeat(45_000)
    await store.commit([putRule('big', { respond: { body } })], 'anna')
    const set = await store.load()
    t.ok(fieldsOf<{ respond: { body: string } }>(set, 'big').respond.body === body)
    await t.rejects(store.commit([putRule('a'), putRule('huge', { description: 'x'.repeat(1024 * 1024) })], 'anna'), {
      code: 'BODY_TOO_LARGE'
    })
    t.equal((await store.load()).revision, set.revision, 'nothing was written')
  })

  promise('what a writer changes later does not reach the store', async (t, open) => {
    const store = open()
    const item = { id: 'a', path: '/a', target: 'http://127.0.0.1:9' }
    await store.commit([{ op: 'put', kind: 'forward_rule', id: 'a', item }], 'anna')
    item.path = '/changed'
    t.match(itemOf(await store.load(), 'a')?.item, { path: '/a' })
  })
}

const has =
  (id: string) =>
  (commit: Commit): boolean =>
    commit.changes.some(change => change.id === id)

function commitPromises(promise: Promises): void {
  promise('each commit makes the next revision, whatever it holds', async (t, open) => {
    const store = open()
    const { revision } = await store.load()
    const commits: Commit[] = []
    for (const changes of [[putRule('a')], [putRule('a')], [deleteRule('a')], [deleteRule('never there')], [putRule('b'), putRule('c')]]) {
      commits.push(await store.commit(changes, 'anna'))
    }
    t.same(
      commits.map(commit => commit.revision - revision),
      [1, 2, 3, 4, 5]
    )
    t.equal((await store.load()).revision, revision + 5)
  })

  promise('a commit whose precondition fails changes nothing and says where the store is', async (t, open) => {
    const store = open()
    const { revision } = await store.load()
    const precondition = { revision }
    await store.commit([putRule('a')], 'anna', precondition)
    const before = await store.load()
    for (const wrong of [precondition, { revision: revision + 2 }, { revision: 1_000_000 }]) {
      const error = await store.commit([putRule('b'), deleteRule('a')], 'bert', wrong).then(
        () => undefined,
        error => error
      )
      t.type(error, PreconditionError)
      t.equal(error.revision, revision + 1)
    }
    t.same(await store.load(), before)
    t.equal((await store.commit([putRule('b')], 'bert', { revision: revision + 1 })).revision, revision + 2)
  })

  promise('several changes are one revision', async (t, open) => {
    const [writer, other] = [open(), open()]
    await other.load()
    const observed = await observe(other)
    await writer.commit([putRule('a'), putRule('b')], 'anna')
    await writer.commit([deleteRule('a'), putRule('b', { priority: 1 }), putRule('c')], 'anna')
    const set = await writer.load()
    t.same(set.items.map(({ id }) => id).sort(), ['b', 'c'])
    await observed.until('the last commit arrives', ({ commits }) => (commits().at(-1)?.revision ?? 0) >= 2 && commits().some(has('c')))
    t.ok(
      observed.commits().every(commit => !has('c')(commit) || has('b')(commit)),
      'nobody sees half of one'
    )
  })

  promise('of many commits with the same precondition exactly one wins', async (t, open) => {
    const handles = [open(), open()]
    const sets = await Promise.all(handles.map(handle => handle.load()))
    const outcomes = await Promise.allSettled(
      Array.from({ length: 10 }, (_, index) =>
        handles[index % 2]!.commit([putRule(`from-${index}`)], 'anna', { revision: sets[index % 2]!.revision })
      )
    )
    t.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
    for (const outcome of outcomes) if (outcome.status === 'rejected') t.type(outcome.reason, PreconditionError)
    t.equal((await handles[0]!.load()).items.length, 1)
  })

  promise('commits at the same time without a precondition are all made', async (t, open) => {
    const handles = [open(), open()]
    const { revision } = await handles[0]!.load()
    await Promise.all(Array.from({ length: 10 }, (_, index) => handles[index % 2]!.commit([putRule(`from-${index}`)], 'anna')))
    const set = await handles[0]!.load()
    t.equal(set.items.length, 10)
    t.ok(set.revision > revision)
    t.equal(new Set(set.items.map(({ seq }) => seq)).size, 10, 'no two are of the same age')
  })
}
