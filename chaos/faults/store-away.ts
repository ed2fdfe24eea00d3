/** Redis goes away under load: killed, and back with its data, without them, or emptied while it runs. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, Pace } from '../harness/fault.ts'
import { Bars, type Finding } from '../harness/finding.ts'
import type { Lab } from '../harness/lab.ts'
import { isWithin } from '../harness/patience.ts'
import { untilHealth } from '../harness/until.ts'
import { startWriting, summary, toSeconds, type Written } from '../harness/writing.ts'

const writeEveryMs = 200

/** Writes through all gateways for `ms`, while the store is away or is not followed. */
async function writeInVain(lab: Lab, ms: number, bars: Bars, code: string): Promise<readonly Written[]> {
  const writing = startWriting(lab.members, lab.versions, writeEveryMs)
  await sleep(ms)
  const writes = await writing.stop()
  const others = writes.filter(write => write.status !== 503 || write.code !== code)
  bars.that(`every admin write is answered 503 ${code}`, others.length === 0, others[0])
  bars.that(
    'within a second',
    writes.every(write => isWithin(write.ms, 1_000)),
    summary(writes)
  )
  return writes
}

export const redisKilled: Fault = {
  name: 'redis-killed',
  title: 'Redis killed, restarted with its data',
  meaning:
    'Traffic goes on with what was live. Admin writes are refused in time and write nothing. The clock runs from when Redis answers again until ' +
    'both gateways follow a change that another instance made in that very moment, before they were connected again.',
  async run(lab: Lab, { outageMs }: Pace): Promise<Finding> {
    const bars = new Bars()
    const seen = lab.observe()
    await sleep(500)
    await lab.redis.kill()
    const writes = await writeInVain(lab, outageMs, bars, 'store_unavailable')
    await lab.redis.restart()
    const begin = performance.now()
    await lab.follow(await lab.writeElsewhere())
    const currentMs = performance.now() - begin
    bars.that('current within 1 s after the return', isWithin(currentMs, 1_000), toSeconds(currentMs))
    await lab.follow((await lab.write(1)).version)
    await lab.compare(bars)
    const observed = await seen.end(bars)
    bars.that('/health says that the store is away', /store DOWN/.test(observed.health), observed.health)
    return { ...observed, currentMs, measured: [`away for ${toSeconds(outageMs)}`, summary(writes)], broken: bars.broken }
  }
}

/** What was live stays live; one call gives it back to the store. The clock runs from that call. */
async function loseData(lab: Lab, lose: () => Promise<unknown>): Promise<Finding> {
  const bars = new Bars()
  const seen = lab.observe()
  const last = lab.versions.newest
  await lose()
  await Promise.all(lab.members.map(member => untilHealth(member, ({ config }) => config.estranged !== null)))
  const writes = await writeInVain(lab, 500, bars, 'store_lost')
  await lab.follow(last)
  const begin = performance.now()
  const { status } = await lab.members[0]!.gateway.admin('POST', '/config/recover', { keep: 'instance' })
  bars.that('one call gives the configuration back', status === 200, status)
  await untilHealth(lab.members[1]!, ({ config }) => config.estranged === null)
  await lab.follow((await lab.write(1)).version)
  const currentMs = performance.now() - begin
  bars.that('current within 1 s after the call', isWithin(currentMs, 1_000), toSeconds(currentMs))
  await lab.compare(bars)
  const observed = await seen.end(bars)
  bars.that('/health says that the store lost its data', /store lost/.test(observed.health), observed.health)
  return { ...observed, currentMs, measured: ['nothing was deleted', summary(writes)], broken: bars.broken }
}

export const redisEmptied: Fault = {
  name: 'redis-emptied',
  title: 'Redis killed, restarted without its data',
  meaning:
    'An empty store never means "delete everything": both gateways keep what was live, say that the store lost its data, and refuse writes until ' +
    '`POST /config/recover`. The clock runs from that call until both follow a change through the other gateway.',
  run: (lab, { outageMs }) =>
    loseData(lab, async () => {
      await lab.redis.kill()
      await sleep(outageMs)
      await lab.redis.restart({ wipe: true })
    })
}

export const redisFlushed: Fault = {
  name: 'redis-flushed',
  title: '`FLUSHALL` while it runs',
  meaning: 'As above, without a lost connection that would give the loss away: the compared positions do.',
  run: lab => loseData(lab, () => lab.byHand(redis => redis.flushall()))
}
