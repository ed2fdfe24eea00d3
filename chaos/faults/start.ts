/** A gateway starts while Redis is away: refusing, silent, or with nothing to fall back to. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { dataFolder, lastGoodPath, setAside, truncateToHalf, untilOnDisk } from '../harness/data-folder.ts'
import type { Fault } from '../harness/fault.ts'
import { Bars, type Finding } from '../harness/finding.ts'
import type { Lab } from '../harness/lab.ts'
import type { Member } from '../harness/members.ts'
import { isWithin } from '../harness/patience.ts'
import { statusOf, timeStart } from '../harness/start-up.ts'
import { untilHealth } from '../harness/until.ts'
import { toSeconds } from '../harness/writing.ts'

/** Serving from the last good configuration, and current when Redis is there again. */
export const startedWithoutRedis: Fault = {
  name: 'start-without-redis',
  title: 'Gateway started while Redis is away',
  meaning:
    'Once with Redis refusing connections and once silent: it serves what it served before, within a second of its exec (not counting what it waits for a core), and says where that came from. ' +
    'Without a past it answers 503 `not_ready`, never 404. The clock runs from when Redis can be reached again.',
  async run(lab): Promise<Finding> {
    const bars = new Bars()
    const [first, second] = lab.members as [Member, Member]
    await keepNewest(lab, second)
    await second.stop('SIGTERM')
    const seen = lab.observe([first])
    const measured: string[] = []
    const { wire } = second
    const ways = [
      ['refusing', wire.shut, wire.open],
      ['silent', wire.silence, wire.forget]
    ] as const
    for (const [how, away, back] of ways) {
      away()
      const { firstMs, waitedMs, status } = await timeStart(second)
      bars.that(`Redis ${how}: serving within 1 s of the exec`, isWithin(firstMs - waitedMs, 1_000) && status === 200, {
        status,
        firstMs,
        waitedMs
      })
      const { body } = await second.gateway.admin('GET', '/ready')
      bars.that('ready, and saying from where', body.status === 'READY' && body.source === 'last_good', body)
      measured.push(
        `Redis ${how}: serving after ${toSeconds(firstMs)}${waitedMs < 50 ? '' : ` (${toSeconds(waitedMs)} of it waiting for a core)`}`
      )
      await second.stop('SIGTERM')
      back()
    }
    rmSync(dataFolder(second), { recursive: true })
    second.wire.shut()
    const { status } = await timeStart(second)
    bars.that('without a past: 503, never 404', status === 503, status)
    const currentMs = await returnRedis(lab, second, bars)
    return { ...(await seen.end(bars)), currentMs, measured, broken: bars.broken }
  }
}

export const lastGoodTruncated: Fault = {
  name: 'last-good-truncated',
  title: 'Last good file cut to half, gateway started while Redis is away',
  meaning:
    'A file that is not whole is set aside and never obeyed: 503 `not_ready` until Redis is back, never 404, never half of the rules.',
  async run(lab): Promise<Finding> {
    const bars = new Bars()
    const [first, second] = lab.members as [Member, Member]
    await keepNewest(lab, second)
    await second.stop('SIGKILL')
    truncateToHalf(lastGoodPath(second))
    second.wire.shut()
    const seen = lab.observe([first])
    const { status } = await timeStart(second)
    bars.that('503, never 404', status === 503, status)
    const aside = setAside(second)
    bars.that('the file is set aside', aside.length === 1, aside)
    for (const name of aside) rmSync(join(dataFolder(second), name))
    bars.that(
      'the log says so',
      second.gateway.log.some(({ msg }) => /is not used/.test(String(msg)))
    )
    const currentMs = await returnRedis(lab, second, bars)
    return { ...(await seen.end(bars)), currentMs, measured: ['the other gateway serves on'], broken: bars.broken }
  }
}

/** A change, and what is live is on disk. */
async function keepNewest(lab: Lab, member: Member): Promise<void> {
  const { version, revision } = await lab.write(0)
  await lab.follow(version)
  await untilOnDisk(member, revision)
}

/** Redis is back: `member`, which had nothing, serves the newest version. */
async function returnRedis(lab: Lab, member: Member, bars: Bars): Promise<number> {
  bars.that('still 503', (await statusOf(member.proxyUrl)) === 503)
  const { version } = await lab.write(0)
  lab.versions.forget(member.name)
  member.wire.open()
  const currentMs = await lab.follow(version)
  bars.that('current within 1 s', isWithin(currentMs, 1_000), toSeconds(currentMs))
  await untilHealth(member, ({ config }) => config.source === 'store')
  await lab.compare(bars)
  return currentMs
}
