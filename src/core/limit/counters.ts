import type { LimitAlgorithm as AlgorithmName } from '../../../schemas/rate-limit.ts'
import { Concurrency } from './concurrency.ts'
import type { LimitCounter } from './counter.ts'
import { fixedWindow } from './fixed-window.ts'
import type { KeyBudget } from './key-table.ts'
import { leakyBucket } from './leaky-bucket.ts'
import { NumberCounter } from './number-counter.ts'
import { SlidingLog } from './sliding-log.ts'
import { slidingWindow } from './sliding-window.ts'
import { tokenBucket } from './token-bucket.ts'

const factories = {
  token_bucket: budget => new NumberCounter(tokenBucket, budget),
  leaky_bucket: budget => new NumberCounter(leakyBucket, budget),
  sliding_window: budget => new NumberCounter(slidingWindow, budget),
  sliding_log: budget => new SlidingLog(budget),
  fixed_window: budget => new NumberCounter(fixedWindow, budget),
  concurrency: () => new Concurrency(),
  // A token bucket whose rate is moved: see `adaptive-rate.ts`.
  adaptive: budget => new NumberCounter(tokenBucket, budget)
} satisfies Record<AlgorithmName, (budget: KeyBudget) => LimitCounter>

/** Counts in memory as the algorithm says. @param budget how many keys may be known in all */
export function createCounter(algorithm: AlgorithmName, budget: KeyBudget): LimitCounter {
  return factories[algorithm](budget)
}
