import t from 'tap'
import { Announcer } from '../../src/control/announcer.ts'

t.test('the first word goes out at once, a hundred more as one, and the last is never lost', async t => {
  let value = 0
  const sent: number[] = []
  const announcer = new Announcer({ send: async () => void sent.push(value), gapMs: 30 })
  const begin = performance.now()
  for (value = 1; value <= 101; value++) announcer.touch()
  value = 101
  t.same(sent, [1])
  while (sent.length < 2 && performance.now() - begin < 5000) await new Promise(resolve => setTimeout(resolve, 1))
  t.same(sent, [1, 101])
  t.ok(performance.now() - begin >= 29, 'not before its time')
  await announcer.close()
})

t.test('two are never under way at once, and what is new meanwhile follows', async t => {
  let underWay = 0
  let sent = 0
  let release = (): void => {}
  const send = async () => {
    t.equal(++underWay, 1)
    sent++
    await new Promise<void>(resolve => {
      release = resolve
    })
    underWay--
  }
  const announcer = new Announcer({ send, gapMs: 0 })
  announcer.touch()
  announcer.touch()
  t.equal(sent, 1)
  let isFlushed = false
  const flushed = announcer.flush().then(() => {
    isFlushed = true
  })
  while (!isFlushed) {
    release()
    await new Promise(resolve => setImmediate(resolve))
  }
  await flushed
  t.ok(sent >= 2, 'what was new')
  await announcer.close()
})

t.test('a failure is not told; what comes next says it all again', async t => {
  let calls = 0
  const announcer = new Announcer({
    gapMs: 0,
    send: async () => {
      calls++
      throw new Error('away')
    }
  })
  await announcer.flush()
  await announcer.flush()
  t.equal(calls, 2)
  await announcer.close()
  announcer.touch()
  await announcer.flush()
  t.equal(calls, 2, 'after close nothing is said')
})
