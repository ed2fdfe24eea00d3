/** The disk of one gateway is full: what is live can no longer be written down. */

import { dataFolder, fill, mountSmall, untilOnDisk } from '../harness/data-folder.ts'
import type { Fault } from '../harness/fault.ts'
import { Bars, type Finding, type Skipped } from '../harness/finding.ts'
import type { Lab } from '../harness/lab.ts'
import type { Member } from '../harness/members.ts'
import { isWithin } from '../harness/patience.ts'
import { timeStart } from '../harness/start-up.ts'
import { toSeconds } from '../harness/writing.ts'

export const diskFull: Fault = {
  name: 'disk-full',
  title: 'Disk of one gateway full',
  meaning:
    'Changes go on as before; the log and `sluice_last_good_write_failures_total` say that the last good configuration is not written. The file from before ' +
    'stays whole: killed, and started while Redis is away, the gateway serves that one. The clock runs from when Redis can be reached again.',
  async run(lab): Promise<Finding | Skipped> {
    const [first, second] = lab.members as [Member, Member]
    await second.stop('SIGTERM')
    const disk = mountSmall(lab.t, dataFolder(second))
    if ('skipped' in disk) {
      await second.start()
      return disk
    }
    await second.start()
    await untilOnDisk(second, (await lab.write(0)).revision)
    const bars = new Bars()
    const whole = lab.observe()
    fill(dataFolder(second))
    await changeInVain(lab, second, bars)
    const before = await whole.end(bars)
    const after = lab.observe([first])
    const currentMs = await killAndStart(lab, second, bars)
    const { requests } = await after.end(bars)
    await second.stop('SIGTERM')
    disk.unmount()
    await second.start()
    return {
      ...before,
      requests: before.requests + requests,
      currentMs,
      measured: ['the file from before stays whole'],
      broken: bars.broken
    }
  }
}

/** A change is followed by all, and told to be nowhere on disk. */
async function changeInVain(lab: Lab, member: Member, bars: Bars): Promise<void> {
  const { version, status } = await lab.write(1)
  bars.that('a write is made', status === 200, status)
  const followMs = await lab.follow(version)
  bars.that('and followed within 1 s', isWithin(followMs, 1_000), followMs)
  await member.gateway.logged(({ msg }) => /could not be written to disk/.test(String(msg)))
  const { body } = await member.gateway.admin<string>('GET', '/metrics')
  bars.that('the metric says so', /^sluice_last_good_write_failures_total [1-9]/m.test(body))
}

async function killAndStart(lab: Lab, member: Member, bars: Bars): Promise<number> {
  await member.stop('SIGKILL')
  member.wire.shut()
  lab.versions.forget(member.name)
  const { status } = await timeStart(member)
  bars.that('it serves what it has', status === 200, status)
  member.wire.open()
  const currentMs = await lab.follow(lab.versions.newest)
  bars.that('current within 1 s', isWithin(currentMs, 1_000), toSeconds(currentMs))
  await lab.compare(bars)
  return currentMs
}
