/** What is counted on either side of a rollout, in a form that instances can add up. */
import type { ArmResult, TrafficResult } from '../../schemas/rollout.ts'

/** What one side had since the step began. Sums of these are again one. */
export interface ArmCounts {
  readonly requests: number
  readonly errors: number
  /** Requests by the time to their answer: by bucket, without the empty ones at the end. */
  readonly latencies: readonly number[]
}

/** What an instance has counted in one step. */
export interface RolloutReport {
  readonly id: string
  readonly step: number
  readonly current: ArmCounts
  readonly candidate: ArmCounts
}

export const noCounts: ArmCounts = { requests: 0, errors: 0, latencies: [] }

/** The first bucket ends here, in milliseconds, and each of the others 10 % above the one before: fine enough to tell 1.2 from 1.5 times. */
const firstMs = 0.25
const growth = 1.1
/** The last bucket begins above two minutes and has no end. */
const buckets = 140

/** The counts of one side on this instance. */
export class ArmStats {
  #requests = 0
  #errors = 0
  readonly #latencies = new Array<number>(buckets).fill(0)

  /** @param ms the time to the answer, in milliseconds */
  record(failed: boolean, ms: number): void {
    this.#requests++
    if (failed) this.#errors++
    this.#latencies[bucketOf(ms)]!++
  }

  get counts(): ArmCounts {
    const end = this.#latencies.findLastIndex(count => count > 0) + 1
    return { requests: this.#requests, errors: this.#errors, latencies: this.#latencies.slice(0, end) }
  }
}

function bucketOf(ms: number): number {
  return ms <= firstMs ? 0 : Math.min(buckets - 1, Math.ceil(Math.log(ms / firstMs) / Math.log(growth)))
}

export function sumCounts(a: ArmCounts, b: ArmCounts): ArmCounts {
  const length = Math.max(a.latencies.length, b.latencies.length)
  const latencies = Array.from({ length }, (_, index) => (a.latencies[index] ?? 0) + (b.latencies[index] ?? 0))
  return { requests: a.requests + b.requests, errors: a.errors + b.errors, latencies }
}

/** What all instances have counted of one step. @param reports of what they say, whatever it is */
export function trafficOf(reports: readonly unknown[], id: string, step: number): TrafficResult {
  const own = reports.filter(isRolloutReport).filter(report => report.id === id && report.step === step)
  const sum = (arm: 'current' | 'candidate') => toArmResult(own.map(report => report[arm]).reduce(sumCounts, noCounts))
  return { current: sum('current'), candidate: sum('candidate') }
}

/** The counts as they are shown and judged. */
export function toArmResult({ requests, errors, latencies }: ArmCounts): ArmResult {
  return { requests, errors, p95_ms: percentile(latencies, 0.95) }
}

/** The time, in milliseconds, within which the share `q` was answered, as if spread evenly over its bucket; null without requests. */
function percentile(latencies: readonly number[], q: number): number | null {
  const total = latencies.reduce((sum, count) => sum + count, 0)
  if (total === 0) return null
  let below = 0
  const index = latencies.findIndex(count => {
    below += count
    return below >= q * total
  })
  const [from, to] = [index === 0 ? 0 : firstMs * growth ** (index - 1), firstMs * growth ** index]
  const inBucket = latencies[index]!
  const ms = from + ((to - from) * (q * total - (below - inBucket))) / inBucket
  return Math.round(ms * 100) / 100
}

// Nothing that is read from a store is trusted.
function isRolloutReport(value: unknown): value is RolloutReport {
  if (typeof value !== 'object' || value === null) return false
  const { id, step, current, candidate } = value as Record<string, unknown>
  return typeof id === 'string' && isCount(step) && isArmCounts(current) && isArmCounts(candidate)
}

function isArmCounts(value: unknown): value is ArmCounts {
  if (typeof value !== 'object' || value === null) return false
  const { requests, errors, latencies } = value as Record<string, unknown>
  return isCount(requests) && isCount(errors) && Array.isArray(latencies) && latencies.length <= buckets && latencies.every(isCount)
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}
