/** Gateways die, start without their store, cannot write, and lose the time of day. `npm run chaos` does the same more often. */
import t from 'tap'
import { clockJumped } from '../../chaos/faults/clock.ts'
import { diskFull } from '../../chaos/faults/disk-full.ts'
import { killedInCommit, killedInLastGoodWrite } from '../../chaos/faults/killed.ts'
import { lastGoodTruncated, startedWithoutRedis } from '../../chaos/faults/start.ts'
import { Lab } from '../../chaos/harness/lab.ts'
import { holds } from './holds.ts'

const lab = await Lab.start(t)

for (const fault of [startedWithoutRedis, lastGoodTruncated, diskFull, killedInCommit, killedInLastGoodWrite, clockJumped])
  await holds(t, lab, fault)
