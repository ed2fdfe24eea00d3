/** What is counted of one target of a service, to find out whether it is to be left alone. */
import { LatencySample } from './latency-sample.ts'

export class OutlierTarget {
  /** Errors since the last success. */
  consecutive = 0
  /** Requests that ended in this interval. */
  requests = 0
  errors = 0
  readonly latencies = new LatencySample()
  /** The next ejection lasts so many times the base, plus one. */
  multiplier = 0
  /** When it comes back from an ejection of this instance; undefined while there is none. */
  outUntilMs: number | undefined
  /** When it comes back from an ejection by most of the instances; undefined while this one follows none. */
  followedUntilMs: number | undefined
  /** This instance has ejected it itself: it does not follow what is left of the ejections of others. */
  hasJudged = false
  /** How often it was ejected. */
  ejections = 0

  /** Whether it is ejected, by whomever. */
  get isOut(): boolean {
    return this.outUntilMs !== undefined || this.followedUntilMs !== undefined
  }

  clear(): void {
    this.consecutive = 0
    this.startInterval()
  }

  startInterval(): void {
    this.requests = 0
    this.errors = 0
    this.latencies.clear()
  }
}

/** A target as it is judged here. */
export interface Suspectable {
  readonly outlier: OutlierTarget
  /** Out because of its probes: nobody who is ejected can count on it. */
  readonly isUnhealthy: boolean
}

/** Ends the ejection of a target. How often it was ejected is not forgotten. */
export function restore({ outlier }: { readonly outlier: OutlierTarget }): void {
  outlier.outUntilMs = undefined
  outlier.clear()
}
