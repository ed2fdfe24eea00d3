import t from 'tap'
import type { Rollout, RolloutWrite } from '../../schemas/rollout.ts'
import { LiveConfig } from '../../src/control/live-config.ts'
import { parseItem } from '../../src/control/parse-item.ts'
import { beginPlan } from '../../src/control/rollout-begin.ts'
import { RolloutCoordinator } from '../../src/control/rollout-coordinator.ts'
import { ConfigWriter } from '../../src/control/writer.ts'
import type { Change } from '../../src/core/change.ts'
import type { ArmCounts } from '../../src/core/rollout-stats.ts'
import type { InstanceReport, WritableStore } from '../../src/core/store.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { createMemoryBacking, createMemoryStore, type MemoryBacking } from '../../src/stores/memory-store.ts'

interface Teardown {
  teardown(f: () => unknown): void
}

/** An instance with a clock that is moved by hand and reports that a test makes up. */
async function startInstance(
  t: Teardown,
  name: string,
  backing: MemoryBacking = createMemoryBacking(),
  wrap = (store: WritableStore) => store
) {
  const store = wrap(createMemoryStore(backing))
  const live = new LiveConfig({ store, parse: parseItem })
  const writer = new ConfigWriter({ live, store, parse: parseItem })
  await live.start()
  const clock = { ms: 0 }
  const trouble: unknown[] = []
  const others: Partial<InstanceReport>[] = []
  const fleet = { list: async () => [{ id: name, rollout: live.rollout?.report() }, ...others] as InstanceReport[] }
  const coordinator = new RolloutCoordinator({
    ...{ live, writer, fleet, instance: name, tickMs: 3_600_000, takeoverMs: 3_000 },
    now: () => clock.ms,
    onTrouble: error => trouble.push(error)
  })
  t.teardown(async () => {
    await coordinator.close()
    live.close()
  })
  const write = (...changes: Change[]) => writer.write(() => changes.map(change => ({ change, pointer: '' })), { by: 'test' })
  const begin = async (body: Partial<RolloutWrite>): Promise<void> => {
    const guard = { max_error_rate_increase: 0.05, max_p95_ratio: null, min_requests: 10, max_wait_ms: 60_000 }
    const beginning = { id: 'x', by: 'anna', instance: name, at: '2026-11-20T12:00:00.000Z', strict: false }
    await writer.write(
      beginPlan(
        {
          steps: [
            { percent: 10, hold_ms: 1_000 },
            { percent: 50, hold_ms: 1_000 }
          ],
          guard,
          ...body
        },
        beginning,
        parseItem
      ).plan,
      {
        by: 'anna'
      }
    )
  }
  /** Moves the clock and looks. */
  const pass = async (ms: number): Promise<void> => {
    clock.ms += ms
    await coordinator.look()
  }
  const rollout = (): Rollout | undefined => live.state?.get('rollout', 'x')?.item
  return { live, store, backing, trouble, others, write, begin, pass, rollout, coordinator }
}

/** The store, with something that happens before each commit. */
function before(store: WritableStore, happens: () => Promise<unknown>): WritableStore {
  return {
    name: store.name,
    load: () => store.load(),
    commitsSince: (...args) => store.commitsSince(...args),
    position: () => store.position(),
    watch: (...args) => store.watch(...args),
    close: () => store.close(),
    commit: async (...args) => {
      await happens()
      return store.commit(...args)
    }
  }
}

type Instance = Awaited<ReturnType<typeof startInstance>>

const rule = (id: string, item: object): Change => ({ op: 'put', kind: 'forward_rule', id, item: { respond: { body: id }, ...item } })
const toNew = [{ op: 'put', kind: 'forward_rule', id: 'r', item: { path: '/new', respond: {} } }] as const
const counts = (requests: number, errors = 0): ArmCounts => ({ requests, errors, latencies: [requests] })

/** What another instance counted of the step in force. */
function serve({ live, others }: Instance, current: ArmCounts, candidate: ArmCounts): void {
  others.splice(0, others.length, { id: 'elsewhere', rollout: { id: 'x', step: live.rollout!.step, current, candidate } })
}

const pathOf = ({ live }: Instance) => live.state?.get('forward_rule', 'r')?.item.path

t.test('a healthy rollout goes on step by step, and is committed by whoever began it', async t => {
  const one = await startInstance(t, 'one')
  await one.write(rule('r', { path: '/old' }))
  await one.begin({ changes: [...toNew] })
  serve(one, counts(90), counts(10))
  await one.pass(999)
  t.equal(one.rollout()?.step, 0)
  await one.pass(1)
  t.equal(one.rollout()?.step, 1)
  t.match(one.rollout()?.steps[0]?.traffic, { current: { requests: 90 }, candidate: { requests: 10 } }, 'what was measured is kept')
  await one.pass(5_000)
  t.equal(one.rollout()?.step, 1, 'the step has had no traffic yet')
  serve(one, counts(50), counts(50))
  t.equal(pathOf(one), '/old')
  await one.pass(0)
  t.match(one.rollout(), { status: 'completed', reason: null })
  t.equal(pathOf(one), '/new')
  t.match(
    (await one.store.commitsSince(1))?.map(({ by }) => by),
    ['anna', 'rollout:x', 'anna']
  )
  t.equal((await one.store.commitsSince(3))?.[0]?.changes.length, 2, 'one commit holds the end and the changes')
  t.same(one.trouble, [])
})

t.test('a violated guard rolls it back, whatever the step', async t => {
  const one = await startInstance(t, 'one')
  await one.write(rule('r', { path: '/old' }))
  await one.begin({ changes: [...toNew] })
  serve(one, counts(90), counts(10, 3))
  await one.pass(0)
  t.match(one.rollout(), { status: 'rolled_back', reason: /30 % of 10 requests failed/, step: 0 })
  t.match(one.rollout()?.steps[0]?.traffic, { candidate: { requests: 10, errors: 3 } })
  t.equal(pathOf(one), '/old')
  t.equal(one.live.rollout, undefined)
  await one.pass(10_000)
  t.equal(one.live.state?.revision, 3, 'what has ended moves no more')
})

t.test('of two instances, only the one that it names moves it on, until that one does not', async t => {
  const backing = createMemoryBacking()
  const [one, two] = [await startInstance(t, 'one', backing), await startInstance(t, 'two', backing)]
  await one.write(rule('r', { path: '/old' }))
  await one.begin({ changes: [...toNew] })
  for (const instance of [one, two]) serve(instance, counts(90), counts(10))
  await two.pass(1_000)
  await two.pass(2_999)
  t.equal(two.rollout()?.step, 0)
  await two.pass(1)
  t.match(two.rollout(), { step: 1, instance: 'two' }, 'it names the one that took over')
  for (const instance of [one, two]) serve(instance, counts(50), counts(50))
  await one.pass(1_000)
  t.equal(one.rollout()?.status, 'running')
  await two.pass(1_000)
  t.equal(one.rollout()?.status, 'completed')
  t.equal(pathOf(one), '/new')
})

t.test('of two that move it at once, one does', async t => {
  const backing = createMemoryBacking()
  const both = [await startInstance(t, 'one', backing), await startInstance(t, 'one', backing)]
  await both[0]!.write(rule('r', { path: '/old' }))
  await both[0]!.begin({ changes: [...toNew] })
  for (const revision of [3, 4]) {
    for (const instance of both) serve(instance, counts(50), counts(50))
    await Promise.all(both.map(instance => instance.pass(1_000)))
    t.same(
      both.map(({ live }) => live.state?.revision),
      [revision, revision]
    )
  }
  t.equal(both[1]!.rollout()?.status, 'completed')
  t.same(
    both.flatMap(({ trouble }) => trouble),
    []
  )
})

t.test('whoever sees a violated guard first ends it', async t => {
  const backing = createMemoryBacking()
  const [one, two] = [await startInstance(t, 'one', backing), await startInstance(t, 'two', backing)]
  await one.write(rule('r', { path: '/old' }))
  await one.begin({ changes: [...toNew] })
  serve(two, counts(90), counts(10, 10))
  await two.pass(0)
  t.equal(one.rollout()?.status, 'rolled_back')
})

t.test('another commit to what it changes, or that makes it impossible, aborts it at once', async t => {
  const one = await startInstance(t, 'one')
  await one.write(rule('r', { path: '/old' }))
  await one.begin({ changes: [...toNew] })
  await one.write(rule('r', { path: '/mine' }))
  await one.pass(0)
  t.match(one.rollout(), { status: 'aborted', reason: "the rule 'r' was changed by somebody else" })
  t.equal(pathOf(one), '/mine')
})

t.test('what was changed between the look and the move is not overwritten', async t => {
  const backing = createMemoryBacking()
  const other = createMemoryStore(backing)
  let interfere = async (): Promise<unknown> => undefined
  const one = await startInstance(t, 'one', backing, store => before(store, () => interfere()))
  await one.write(rule('r', { path: '/old' }))
  await one.begin({ changes: [...toNew], steps: [{ percent: 50, hold_ms: 0 }] })
  serve(one, counts(50), counts(50))
  interfere = async () => {
    interfere = async () => undefined
    await other.commit([rule('r', { path: '/mine' })], 'bert')
  }
  await one.pass(1)
  t.match(one.rollout(), { status: 'aborted', reason: "the rule 'r' was changed by somebody else" })
  t.equal(pathOf(one), '/mine')
})

t.test('changes that are refused in the end abort it, with the reason', async t => {
  const one = await startInstance(t, 'one')
  await one.write(rule('r', { path: '/old' }))
  await one.begin({ changes: [...toNew], steps: [{ percent: 50, hold_ms: 0 }] })
  await one.write(rule('tested', { path: '/t', tests: [{ request: { url: '/new' }, expect: { rule: null } }] }))
  serve(one, counts(50), counts(50))
  await one.pass(1)
  t.match(one.rollout(), { status: 'aborted', reason: /^the changes were refused: After this write a test would fail/ })
  t.equal(pathOf(one), '/old')
})

t.test('a store that does not answer moves nothing, and then it goes on', async t => {
  let down = false
  const one = await startInstance(t, 'one', createMemoryBacking(), store =>
    before(store, async () => {
      if (down) throw new StoreUnavailableError()
    })
  )
  await one.write(rule('r', { path: '/old' }))
  await one.begin({ changes: [...toNew], steps: [{ percent: 50, hold_ms: 0 }] })
  serve(one, counts(50), counts(50))
  down = true
  await one.pass(1)
  t.equal(one.rollout()?.status, 'running')
  t.match(one.trouble, [{ code: 'STORE_UNAVAILABLE' }])
  down = false
  await one.pass(1)
  t.equal(one.rollout()?.status, 'completed')
})

const group = [rule('stable', { path: '/', weight: 100 }), rule('canary', { path: '/', weight: 0 })]
const ramp = { ramp: { rule: 'canary' }, steps: [5, 25, 100].map(percent => ({ percent, hold_ms: 0 })) }
const weightsOf = ({ live }: Instance) => ['stable', 'canary'].map(id => live.state?.get('forward_rule', id)?.item.weight)

t.test('a ramp moves the weights step by step and stays where it ends', async t => {
  const one = await startInstance(t, 'one')
  await one.write(...group)
  await one.begin(ramp)
  t.same(weightsOf(one), [1000, 52])
  const seen: unknown[] = []
  for (let step = 0; step < 3; step++) {
    serve(one, counts(90), counts(10))
    await one.pass(1)
    seen.push(weightsOf(one))
  }
  t.same(seen, [
    [1000, 333],
    [0, 1000],
    [0, 1000]
  ])
  t.equal(one.rollout()?.status, 'completed')
  t.same(one.trouble, [])
})

t.test('a ramp whose guard is violated sets the weights back', async t => {
  const one = await startInstance(t, 'one')
  await one.write(...group)
  await one.begin(ramp)
  serve(one, counts(90), counts(10))
  await one.pass(1)
  serve(one, counts(90), counts(10, 5))
  await one.pass(1)
  t.match(one.rollout(), { status: 'rolled_back', step: 1 })
  t.same(weightsOf(one), [100, 0])
})

t.test('weights that cannot be set back do not keep a ramp from ending', async t => {
  const one = await startInstance(t, 'one')
  const tests = [{ request: { url: '/' }, expect: { rule: 'canary' } }]
  await one.write(...group)
  await one.begin(ramp)
  await one.write(rule('watch', { path: '/w', tests }))
  serve(one, counts(90), counts(10, 5))
  await one.pass(1)
  t.match(one.rollout(), { status: 'rolled_back', reason: /; the weights could not be restored: After this write a test would fail/ })
  t.same(weightsOf(one), [1000, 52])
})
