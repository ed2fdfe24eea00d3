import { Transform } from 'node:stream'
import t from 'tap'
import { ExactLimits } from '../../src/limits/exact-limits.ts'
import { LimitStoreError } from '../../src/limits/limit-store.ts'
import { startRedis } from '../helpers/redis.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'
import { openExact, openStore, toTake, until, untilAvailable } from './open.ts'

const take = toTake('fixed_window', { limit: 10, windowMs: 3_600_000 })

t.test('a server that hangs holds a request for the budget, and the next ones not at all', async t => {
  const server = await startRedis(t)
  const store = await openStore(t, server.port, 50)
  const exact = new ExactLimits(store)
  t.teardown(() => exact.close())
  await exact.take([take])
  server.pause()
  const beganMs = performance.now()
  await t.rejects(exact.take([take]), LimitStoreError)
  // Loose: the machine may be busy.
  t.ok(performance.now() - beganMs < 500, `held for ${performance.now() - beganMs} ms`)
  const againMs = performance.now()
  for (let left = 1_000; left > 0; left--) await exact.take([take]).catch(() => {})
  t.ok(performance.now() - againMs < 500, 'a thousand are refused at once')
  const resumedMs = performance.now()
  server.resume()
  await untilAvailable(store)
  t.ok(performance.now() - resumedMs < 5_000, `back after ${performance.now() - resumedMs} ms`)
  t.equal((await exact.look([take])).decisions[0]!.remaining, 9, 'what was given up has not been counted')
})

t.test('a server that was killed and started again is used again, and fails nobody slowly', async t => {
  const server = await startRedis(t)
  const store = await openStore(t, server.port, 200)
  const exact = new ExactLimits(store)
  t.teardown(() => exact.close())
  await exact.take([take])
  await server.kill()
  await untilAvailable(store, false)
  t.match(store.away, LimitStoreError)
  await t.rejects(exact.take([take]), LimitStoreError)
  await server.restart({ wipe: true })
  const startedMs = performance.now()
  await untilAvailable(store)
  t.ok(performance.now() - startedMs < 5_000, `back after ${performance.now() - startedMs} ms`)
  t.ok((await exact.take([take])).allowed)
})

t.test('an error of the server fails one request, and is no outage', async t => {
  const server = await startRedis(t)
  const store = await openStore(t, server.port)
  const exact = new ExactLimits(store)
  t.teardown(() => exact.close())
  await t.rejects(exact.take([{ ...take, algorithm: 'unknown' as 'fixed_window' }]), LimitStoreError)
  t.ok(store.available)
  t.ok((await exact.take([take])).allowed)
})

t.test('a place whose answer comes too late is free again', async t => {
  const server = await startRedis(t)
  let isHeld = false
  let release = (): void => {}
  const hold = new Promise<void>(resolve => (release = resolve))
  const filter = () =>
    new Transform({
      transform(chunk, _encoding, done) {
        if (isHeld) hold.then(() => done(null, chunk))
        else done(null, chunk)
      }
    })
  const proxy = await startTcpProxy(t, server.port, filter)
  const slow = await openExact(t, proxy.port, 100)
  const other = await openExact(t, server.port)
  const place = toTake('concurrency', { limit: 1 })
  // The server knows the script from then on: what is held back is the answer.
  await slow.look([place])
  isHeld = true
  await t.rejects(slow.take([place]), LimitStoreError)
  t.notOk((await other.look([place])).allowed, 'it was counted')
  isHeld = false
  release()
  await until(async () => (await other.look([place])).allowed)
})
