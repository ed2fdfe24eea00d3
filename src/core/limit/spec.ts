/** What a limit allows. */
export interface LimitSpec {
  /** Requests per window; in flight at once for `concurrency`. At least 1, whole. */
  readonly limit: number
  readonly windowMs: number
  /** token_bucket: the most tokens there can be. At least 1, whole. Others: the same as `limit`. */
  readonly burst: number
  /** leaky_bucket: how long a request may be held back. Others: 0. */
  readonly maxDelayMs: number
}
