/** The way between gateways and Redis: silent, lossy, slow. Redis itself is well. */
import { setTimeout as sleep } from 'node:timers/promises'
import { quantile } from '../../test/helpers/load.ts'
import type { Fault, Pace } from '../harness/fault.ts'
import { Bars, type Finding } from '../harness/finding.ts'
import type { Lab } from '../harness/lab.ts'
import { isWithin } from '../harness/patience.ts'
import { startWriting, summary, toSeconds } from '../harness/writing.ts'

export const cutWithoutFin: Fault = {
  name: 'cut-without-fin',
  title: 'Connections of one gateway fall silent, no FIN',
  meaning:
    'The second gateway is cut off without a word, as by a pulled cable; the first one goes on writing. The cut-off one says so within 5 s, serves ' +
    'what it has, and refuses writes in time. Its old connections stay dead for ever; the clock runs from when new ones get through, and includes ' +
    'the attempt to connect that was under way then and is dead as well (given up after 0.9 s).',
  async run(lab, { outageMs }): Promise<Finding> {
    const bars = new Bars()
    const seen = lab.observe()
    const [first, second] = lab.members as [Lab['members'][0], Lab['members'][0]]
    const cutMs = performance.now()
    second.wire.silence()
    const writing = startWriting([first], lab.versions, 200)
    const refused = startWriting([second], lab.versions, 200)
    await sleep(outageMs)
    const [made, inVain] = await Promise.all([writing.stop(), refused.stop()])
    second.wire.forget()
    const begin = performance.now()
    await lab.follow(made.at(-1)!.version)
    const currentMs = performance.now() - begin
    const noticedMs = seen.healthMs(1, /store DOWN/)
    bars.that(
      'the other gateway writes',
      made.every(write => write.status === 200),
      summary(made)
    )
    bars.that(
      'writes through the one that is cut off are answered 503 within a second',
      inVain.every(write => write.status === 503 && isWithin(write.ms, 1_000)),
      summary(inVain)
    )
    bars.that('noticed within 5 s', noticedMs !== undefined && isWithin(noticedMs, 5_000), noticedMs)
    bars.that('current within 2 s', isWithin(currentMs, 2_000), toSeconds(currentMs))
    await lab.compare(bars)
    const observed = await seen.end(bars)
    const measured = [
      `cut off for ${toSeconds(begin - cutMs)}`,
      `noticed after ${toSeconds(noticedMs ?? Number.NaN)}`,
      `there ${summary(inVain)}`
    ]
    return { ...observed, currentMs, measured, broken: bars.broken }
  }
}

function noticesDropped(percent: number): Fault {
  return {
    name: `notices-dropped-${percent}`,
    title: `${percent} % of the notices dropped`,
    meaning:
      percent === 100
        ? 'No gateway hears of any change: the compared positions alone bring it. The time is the longest of all changes, each from its write to a request through the other gateway.'
        : 'Every tenth notice is lost, unnoticed by anybody: the next one, or the next comparison, shows the gap. The time is the longest, as above.',
    run: (lab, pace) => dropNotices(lab, pace, percent / 100)
  }
}

async function dropNotices(lab: Lab, pace: Pace, share: number): Promise<Finding> {
  // Of a short run, too, several have to be lost.
  const writes = Math.max(pace.writes, Math.ceil(5 / share))
  const bars = new Bars()
  const seen = lab.observe()
  const before = lab.members.map(({ wire }) => wire.dropped)
  for (const { wire } of lab.members) wire.dropNotices(share)
  const spreadMs: number[] = []
  for (let index = 0; index < writes; index++) {
    const begin = performance.now()
    const { version, status } = await lab.write(index % lab.members.length)
    bars.that('every write is made', status === 200, status)
    await lab.follow(version)
    spreadMs.push(performance.now() - begin)
  }
  for (const { wire } of lab.members) wire.dropNotices(0)
  const dropped = lab.members.reduce((sum, { wire }, at) => sum + wire.dropped - before[at]!, 0)
  const currentMs = Math.max(...spreadMs)
  bars.that('notices were dropped', dropped >= Math.floor(writes * share), dropped)
  bars.that('current within 2 s', isWithin(currentMs, 2_000), toSeconds(currentMs))
  await lab.compare(bars)
  const measured = [
    `${writes} changes, ${dropped} notices lost, no change lost`,
    `half of the changes within ${toSeconds(quantile(spreadMs, 0.5))}`
  ]
  return { ...(await seen.end(bars)), currentMs, measured, broken: bars.broken }
}

export const tenthOfNoticesDropped: Fault = noticesDropped(10)
export const allNoticesDropped: Fault = noticesDropped(100)

export const redisSlow: Fault = {
  name: 'redis-slow',
  title: 'Redis slower by 500 ms',
  meaning:
    'Every answer and every notice comes half a second late. Writes take that long and are made; the time is the longest from a write to a request ' +
    'through the other gateway.',
  async run(lab, { writes }): Promise<Finding> {
    const bars = new Bars()
    const seen = lab.observe()
    for (const { wire } of lab.members) wire.delay(500)
    const all = []
    let currentMs = 0
    for (let index = 0; index < Math.min(writes, 40); index++) {
      const begin = performance.now()
      const written = await lab.write(index % lab.members.length)
      await lab.follow(written.version)
      currentMs = Math.max(currentMs, performance.now() - begin)
      all.push(written)
    }
    for (const { wire } of lab.members) wire.delay(0)
    bars.that(
      'every write is made',
      all.every(({ status }) => status === 200),
      summary(all)
    )
    bars.that('current within 2 s', isWithin(currentMs, 2_000), toSeconds(currentMs))
    await lab.compare(bars)
    return { ...(await seen.end(bars)), currentMs, measured: [summary(all)], broken: bars.broken }
  }
}
