/** The part of the contract (`contract.ts`) about stores that know the instances that share them. */
import type { Test } from 'tap'
import type { FleetStore, InstanceReport, WritableStore } from '../../src/core/store.ts'
import type { OpenHandle, Promises } from './contract-follow.ts'

type Fleet = WritableStore & FleetStore

function hasFleet(store: WritableStore): store is Fleet {
  return 'announce' in store
}

const report = (id: string, revision = 1): InstanceReport => ({
  id,
  version: '0.1.0',
  revision,
  digest: 'd1',
  at: '2026-11-20T00:00:00.000Z',
  rejected: [{ kind: 'forward_rule', id: 'bad', reason: 'is not "valid"' }]
})
const longMs = 60_000

export function fleetPromises(promise: Promises, { sharesFleet = true }: { readonly sharesFleet?: boolean }): void {
  const fleetPromise = (text: string, check: (t: Test, store: Fleet, open: OpenHandle) => Promise<void>): void =>
    promise(text, async (t, open) => {
      const store = open()
      return hasFleet(store) ? check(t, store, open) : t.pass('it knows of no instances')
    })

  fleetPromise('an instance is known by its last report, until it runs out', async (t, store) => {
    t.same(await store.instances(), [])
    await store.announce(report('b'), longMs)
    await store.announce(report('a'), longMs)
    await store.announce(report('b', 2), longMs)
    t.same(await store.instances(), [report('a'), report('b', 2)])
    await store.announce(report('a', 3), 20)
    const begin = performance.now()
    let known = await store.instances()
    while (known.length > 1 && performance.now() - begin < 5_000) known = await store.instances()
    t.same(known, [report('b', 2)])
    t.ok(performance.now() - begin >= 15, 'not before')
  })

  fleetPromise('a report can be taken back', async (t, store) => {
    await store.announce(report('a'), longMs)
    await store.announce(report('b'), longMs)
    await store.withdraw('a')
    await store.withdraw('never there')
    t.same(await store.instances(), [report('b')])
  })

  if (sharesFleet) {
    fleetPromise('every handle knows the instances of all, also of one that was closed', async (t, store, open) => {
      await store.announce(report('a'), longMs)
      await (open() as Fleet).announce(report('b'), longMs)
      await store.close()
      t.same(await (open() as Fleet).instances(), [report('a'), report('b')])
    })
  }
}
