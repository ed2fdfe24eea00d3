/** How many calls of the admin API one caller may make. */
export interface CallLimit {
  /** Calls in one window. At least 1. */
  readonly max: number
  readonly windowMs: number
}
