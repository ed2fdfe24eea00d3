/** Asks a place that all instances share; and one of this instance alone while that is away, so that it neither fails nor delays a call. */
import { within } from '../etcd/deadline.ts'

export interface SharedOptions {
  /** How long the shared place may take, in milliseconds. Default 50. */
  readonly patienceMs?: number
  /** How long it is left alone after it failed, in milliseconds: one that hangs shall cost one call its patience, not every call. Default 1000. */
  readonly restMs?: number
  /** Milliseconds on a clock that only goes forward. Default: that of `performance.now()`. */
  readonly now?: () => number
}

export function sharedOrAlone<Question extends readonly unknown[], Answer>(
  shared: (...question: Question) => Promise<Answer>,
  alone: (...question: Question) => Promise<Answer>,
  { patienceMs = 50, restMs = 1_000, now = () => performance.now() }: SharedOptions = {}
): (...question: Question) => Promise<Answer> {
  let restsUntilMs = Number.NEGATIVE_INFINITY
  return async (...question) => {
    if (now() < restsUntilMs) return alone(...question)
    try {
      return await within(patienceMs, 'no answer in time', shared(...question))
    } catch {
      restsUntilMs = now() + restMs
      return alone(...question)
    }
  }
}
