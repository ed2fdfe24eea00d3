import type { Test } from 'tap'
import { type Fault, paces } from '../../chaos/harness/fault.ts'
import type { Lab } from '../../chaos/harness/lab.ts'
import { setPatience } from '../../chaos/harness/patience.ts'

// What is promised of times is judged by `npm run chaos`, on a machine that does nothing else: here it is whether they end at all.
setPatience(5)

/** A test that lets `fault` loose for a short time, and asks for every promise that it puts to the proof. */
export async function holds(t: Test, lab: Lab, fault: Fault): Promise<void> {
  await t.test(fault.title, async t => {
    const finding = await fault.run(lab, paces.short)
    if ('skipped' in finding) return void t.pass('not tried here', { skip: finding.skipped })
    t.same(finding.broken, [], 'every promise held')
    t.same(finding.failed, {}, 'no request failed')
    t.ok(finding.requests > 50, `${finding.requests} requests were sent`)
    t.comment(`current again after ${finding.currentMs?.toFixed(0)} ms; /health: ${finding.health}; ${finding.measured.join('; ')}`)
  })
}
