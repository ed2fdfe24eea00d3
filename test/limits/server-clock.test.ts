import t from 'tap'
import { ServerClock } from '../../src/limits/server-clock.ts'

const serverMs = 1_700_000_000_000

t.test('there is no deadline before a time is known', async t => {
  t.equal(new ServerClock().deadlineUs(50, 0), 0)
})

t.test('of several answers the one that was fastest counts', async t => {
  const clock = new ServerClock()
  clock.set(serverMs * 1_000, 10)
  clock.set((serverMs + 100) * 1_000, 130)
  t.equal(clock.deadlineUs(50, 130), (serverMs + 120 + 50) * 1_000)
})

t.test('what was heard long ago does not count for ever', async t => {
  const clock = new ServerClock()
  clock.set((serverMs + 40) * 1_000, 0)
  for (const atMs of [6_000, 12_000]) clock.set((serverMs + atMs) * 1_000, atMs)
  t.equal(clock.deadlineUs(0, 12_000), (serverMs + 12_000) * 1_000)
})

t.test('a clock that is set back, or forward, is followed at once', async t => {
  const clock = new ServerClock()
  clock.set(serverMs * 1_000, 0)
  clock.set((serverMs - 3_600_000) * 1_000, 1)
  t.equal(clock.deadlineUs(0, 1), (serverMs - 3_600_000) * 1_000)
  clock.set(serverMs * 1_000, 2)
  t.equal(clock.deadlineUs(0, 2), serverMs * 1_000)
})
