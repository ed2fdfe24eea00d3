/** The seam between a fault and what runs it. */
import type { Finding, Skipped } from './finding.ts'
import type { Lab } from './lab.ts'

/** How long and how often. */
export interface Pace {
  /** How long the store is away, in milliseconds. */
  readonly outageMs: number
  /** How many changes are followed one by one. */
  readonly writes: number
  /** How often a process is killed. */
  readonly kills: number
  /** How long the storm of changes lasts, in milliseconds. */
  readonly stormMs: number
  /** How many changes a second the storm brings: fewer in tests, which share the machine with others. */
  readonly stormPerSecond: number
  /** Which share of the wanted rate must be kept. 0 in tests: how fast a machine is that does other things as well is no promise. */
  readonly stormShare: number
}

export const paces = {
  full: { outageMs: 60_000, writes: 300, kills: 25, stormMs: 30_000, stormPerSecond: 1_000, stormShare: 0.9 },
  short: { outageMs: 2_000, writes: 6, kills: 2, stormMs: 3_000, stormPerSecond: 250, stormShare: 0 }
} as const satisfies Record<string, Pace>

export interface Fault {
  /** For `--only`, and for people. */
  readonly name: string
  /** What is done. */
  readonly title: string
  /** What the figures of its row mean, for `docs/reliability.md`. */
  readonly meaning: string
  /** Leaves the lab as it found it: everything runs, and all follow. Rejects only when the fault itself could not be made. */
  run(lab: Lab, pace: Pace): Promise<Finding | Skipped>
}
