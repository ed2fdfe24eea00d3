/** Changes come faster than anybody writes them by hand. `npm run chaos` does the same for longer. */
import t from 'tap'
import { changeStorm } from '../../chaos/faults/storm.ts'
import { Lab } from '../../chaos/harness/lab.ts'
import { holds } from './holds.ts'

await holds(t, await Lab.start(t), changeStorm)
