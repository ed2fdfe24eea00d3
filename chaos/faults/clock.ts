/** The wall clock of one gateway jumps by an hour, and back. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Fault } from '../harness/fault.ts'
import { Bars, type Finding } from '../harness/finding.ts'
import { isWithin } from '../harness/patience.ts'
import { toSeconds } from '../harness/writing.ts'

const preload = fileURLToPath(new URL('../harness/clock-shift.ts', import.meta.url))

export const clockJumped: Fault = {
  name: 'clock-jumped',
  title: 'Clock of one gateway jumps by an hour, forth and back',
  meaning:
    'Nothing that keeps instances together looks at the wall clock. The time is the longest from a write to a request through the other gateway.',
  async run(lab, { writes }): Promise<Finding> {
    const bars = new Bars()
    const shifted = lab.members[1]!
    await shifted.stop('SIGTERM')
    await shifted.start({ nodeArgs: ['--import', preload] })
    const seen = lab.observe()
    let currentMs = 0
    for (const jump of ['none', 'forth', 'back']) {
      if (jump !== 'none') shifted.gateway.child.kill('SIGURG')
      await sleep(200)
      const clockMs = Date.parse(((await shifted.gateway.admin('GET', '/forward-rules/none')).body as { timestamp: string }).timestamp)
      bars.that(
        `the clock jumped ${jump}`,
        Math.round((clockMs - Date.now()) / 3_600_000) === (jump === 'forth' ? 1 : 0),
        clockMs - Date.now()
      )
      for (let index = 0; index < writes; index++) {
        const begin = performance.now()
        const { version, status } = await lab.write(index % lab.members.length)
        bars.that('every write is made', status === 200, status)
        await lab.follow(version)
        currentMs = Math.max(currentMs, performance.now() - begin)
      }
    }
    bars.that('current within 1 s', isWithin(currentMs, 1_000), toSeconds(currentMs))
    await lab.compare(bars)
    return { ...(await seen.end(bars)), currentMs, measured: [`${3 * writes} writes, all made`], broken: bars.broken }
  }
}
