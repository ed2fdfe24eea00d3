/** Redis and the way to it break under load, one fault after the other on the same gateways. `npm run chaos` does the same for longer. */
import t from 'tap'
import { allNoticesDropped, cutWithoutFin, redisSlow, tenthOfNoticesDropped } from '../../chaos/faults/network.ts'
import { itemPoisoned } from '../../chaos/faults/poison.ts'
import { redisEmptied, redisFlushed, redisKilled } from '../../chaos/faults/store-away.ts'
import { Lab } from '../../chaos/harness/lab.ts'
import { holds } from './holds.ts'

const lab = await Lab.start(t)

for (const fault of [
  redisKilled,
  redisEmptied,
  redisFlushed,
  allNoticesDropped,
  tenthOfNoticesDropped,
  cutWithoutFin,
  redisSlow,
  itemPoisoned
])
  await holds(t, lab, fault)
