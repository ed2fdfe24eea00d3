/** What is counted per rule, kept as plain numbers: several times cheaper per request than the client library, which reads it at a scrape. */

/** Upper bounds of the duration buckets, in seconds: from a fast local target to the default read timeout. */
export const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const

export class RuleSeries {
  readonly rule: string
  /** Requests by status. */
  readonly counts = new Map<number, number>()
  /** Requests by duration: one more than there are bounds, not cumulated. */
  readonly buckets: number[] = new Array<number>(durationBuckets.length + 1).fill(0)
  /** Of all durations, in seconds. */
  seconds = 0

  constructor(rule: string) {
    this.rule = rule
  }

  record(status: number, seconds: number): void {
    this.counts.set(status, (this.counts.get(status) ?? 0) + 1)
    this.seconds += seconds
    let bucket = 0
    while (bucket < durationBuckets.length && seconds > durationBuckets[bucket]!) bucket++
    this.buckets[bucket]!++
  }
}

/** The series of all rules that had a request. */
export class RuleSeriesSet {
  readonly #byRule = new Map<string, RuleSeries>()

  /** The series of a rule, made on first use; `''` is for requests that no rule took. */
  of(rule: string): RuleSeries {
    let series = this.#byRule.get(rule)
    if (series === undefined) {
      series = new RuleSeries(rule)
      this.#byRule.set(rule, series)
    }
    return series
  }

  forget(rule: string): void {
    this.#byRule.delete(rule)
  }

  /** Forgets the series of rules for which `isLive` is false. */
  retain(isLive: (rule: string) => boolean): void {
    for (const rule of this.#byRule.keys()) if (rule !== '' && !isLive(rule)) this.#byRule.delete(rule)
  }

  [Symbol.iterator](): Iterator<RuleSeries> {
    return this.#byRule.values()
  }
}
