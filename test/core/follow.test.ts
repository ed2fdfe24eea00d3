import t from 'tap'
import { type AppliedPosition, type FollowStep, followStep } from '../../src/core/follow.ts'
import type { StorePosition } from '../../src/core/store.ts'

const mine = (epoch: string, revision: number, head?: string): AppliedPosition => ({ epoch, revision, head })
const store = (epoch: string | undefined, revision: number, head?: string): StorePosition => ({ epoch, revision, head })

const cases: [name: string, mine: AppliedPosition | undefined, store: StorePosition, step: FollowStep][] = [
  ['nothing is applied yet', undefined, store('e', 3), 'load'],
  ['nothing is applied yet and nothing is there', undefined, store(undefined, 0), 'load'],
  ['the same commit', mine('e', 3, 't'), store('e', 3, 't'), 'current'],
  ['the same revision, heads unknown', mine('e', 3), store('e', 3, 't'), 'current'],
  ['newer commits', mine('e', 3, 't'), store('e', 4, 'u'), 'log'],
  ['fewer commits', mine('e', 3, 't'), store('e', 2, 's'), 'went_back'],
  ['another commit at our revision', mine('e', 3, 't'), store('e', 3, 'x'), 'went_back'],
  ['everything gone', mine('e', 3, 't'), store(undefined, 0), 'lost'],
  ['another life', mine('e', 3, 't'), store('f', 3, 't'), 'replaced'],
  ['the first commit of a store that was empty', mine('', 0), store('e', 1, 't'), 'log'],
  ['still empty', mine('', 0), store(undefined, 0), 'load']
]

for (const [name, applied, position, step] of cases)
  t.test(`${name}: ${step}`, async t => {
    t.equal(followStep(applied, position), step)
  })
