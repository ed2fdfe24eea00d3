import { EventEmitter, once } from 'node:events'
import t, { type Test } from 'tap'
import type { DiscoveredTarget } from '../../src/core/discovery.ts'
import { FollowedSource } from '../../src/discovery/followed-source.ts'
import type { SourceEvents } from '../../src/discovery/source.ts'

const a: DiscoveredTarget = { url: 'http://127.0.0.1:1', weight: 1 }
const b: DiscoveredTarget = { url: 'http://127.0.0.1:2', weight: 1 }

/** A source that the test speaks for, and what is believed of it. */
function follow(t: Pick<Test, 'teardown'>, allow_empty?: boolean) {
  // Its own timer keeps no process alive.
  const alive = setInterval(() => undefined, 1_000)
  t.teardown(() => clearInterval(alive))
  const item = { type: 'dns', name: 'x', ...(allow_empty === undefined ? {} : { allow_empty }) } as const
  const refreshes = new EventEmitter()
  const told: string[] = []
  const states: boolean[] = []
  let source: SourceEvents | undefined
  const open = (_discovery: unknown, events: SourceEvents) => {
    source = events
    return { refresh: () => void refreshes.emit('refresh'), close: async () => undefined }
  }
  const followed = new FollowedSource({ key: 'k', item }, open, {
    onTargets: targets => told.push(targets.map(({ url }) => url.slice(-1)).join('')),
    onState: isUp => states.push(isUp)
  })
  return { followed, told, states, refreshes, answer: source!.onTargets, fail: () => source!.onTrouble(new Error('gone')) }
}

t.test('one empty answer alone is ignored: the source is asked again, and what it says then counts', async t => {
  const { followed, told, refreshes, answer } = follow(t)
  answer([a])
  answer([])
  t.same(followed.targets, [a])
  await once(refreshes, 'refresh')
  answer([a, b])
  t.same(followed.targets, [a, b])
  answer([])
  t.same(followed.targets, [a, b], 'the doubt begins anew')
  t.same(told, ['1', '12'])
})

t.test('an empty answer counts when the one that was asked for confirms it, and not before', async t => {
  const { followed, told, refreshes, answer } = follow(t)
  answer([a])
  answer([])
  answer([])
  t.same(followed.targets, [a], 'a second one that nobody asked for says no more than the first')
  await once(refreshes, 'refresh')
  answer([])
  t.same(followed.targets, [])
  t.same(told, ['1', ''])
})

t.test('a failure between two empty answers is no confirmation', async t => {
  const { followed, states, refreshes, answer, fail } = follow(t)
  answer([a])
  answer([])
  await once(refreshes, 'refresh')
  fail()
  answer([])
  t.same(followed.targets, [a])
  t.same(states, [true, false, true])
  await once(refreshes, 'refresh')
  answer([])
  t.same(followed.targets, [])
})

t.test('allow_empty believes the first empty answer', async t => {
  const { followed, told, answer } = follow(t, true)
  answer([a])
  answer([])
  t.same(followed.targets, [])
  t.same(told, ['1', ''])
})

t.test('the same targets in another order are no news', async t => {
  const { told, answer } = follow(t)
  answer([a, b])
  answer([b, a])
  t.same(told, ['12'])
})
