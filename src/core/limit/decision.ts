/** What a limit says of a request. */

/** Written by an algorithm, read by its caller at once: one object serves all requests, so that none is made for each. */
export interface LimitDecision {
  /** Whether the request may go (for a look: whether one could). */
  allowed: boolean
  /** What is allowed per window, or at once, in all. */
  limit: number
  /** How many more could go now. Whole; at least 0. */
  remaining: number
  /** Milliseconds until everything is allowed again when nothing else comes. */
  resetMs: number
  /** Refused: milliseconds until one could go when nothing else comes. Otherwise 0. */
  retryMs: number
  /** Allowed: milliseconds to hold the request back. */
  delayMs: number
}

export function createDecision(): LimitDecision {
  return { allowed: true, limit: 0, remaining: 0, resetMs: 0, retryMs: 0, delayMs: 0 }
}
