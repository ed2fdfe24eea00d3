import t from 'tap'
import { sharedOrAlone } from '../../src/control/shared-or-alone.ts'

t.test('what is shared answers while it can, and is left alone for a while after it failed', async t => {
  const clock = { ms: 0 }
  let isUp = true
  let asked = 0
  const shared = async (question: string) => {
    asked++
    if (!isUp) throw new Error('gone')
    return `shared ${question}`
  }
  const ask = sharedOrAlone(shared, async question => `alone ${question}`, { patienceMs: 60_000, restMs: 1_000, now: () => clock.ms })
  t.equal(await ask('a'), 'shared a')
  isUp = false
  t.equal(await ask('b'), 'alone b')
  isUp = true
  clock.ms = 999
  t.equal(await ask('c'), 'alone c')
  t.equal(asked, 2)
  clock.ms = 1_000
  t.equal(await ask('d'), 'shared d')
})

t.test('what does not answer in time is a failure, and its late end is nobody’s', async t => {
  const late = Promise.withResolvers<string>()
  const ask = sharedOrAlone(
    () => late.promise,
    async () => 'alone',
    { patienceMs: 1 }
  )
  t.equal(await ask(), 'alone')
  late.reject(new Error('too late'))
  t.equal(await ask(), 'alone')
})
