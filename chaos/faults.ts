/** All faults, in the order of the table. */
import { clockJumped } from './faults/clock.ts'
import { diskFull } from './faults/disk-full.ts'
import { killedInCommit, killedInLastGoodWrite } from './faults/killed.ts'
import { allNoticesDropped, cutWithoutFin, redisSlow, tenthOfNoticesDropped } from './faults/network.ts'
import { itemPoisoned } from './faults/poison.ts'
import { lastGoodTruncated, startedWithoutRedis } from './faults/start.ts'
import { redisEmptied, redisFlushed, redisKilled } from './faults/store-away.ts'
import { changeStorm } from './faults/storm.ts'
import type { Fault } from './harness/fault.ts'

export const faults: readonly Fault[] = [
  redisKilled,
  redisEmptied,
  redisFlushed,
  cutWithoutFin,
  tenthOfNoticesDropped,
  allNoticesDropped,
  redisSlow,
  itemPoisoned,
  startedWithoutRedis,
  lastGoodTruncated,
  diskFull,
  killedInCommit,
  killedInLastGoodWrite,
  clockJumped,
  changeStorm
]
