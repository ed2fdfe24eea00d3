import type { InstanceReport } from '../core/store.ts'

/** The instances that share a store within this process. */
export class LocalFleet {
  readonly #now: () => number
  readonly #reports = new Map<string, { readonly report: InstanceReport; readonly until: number }>()

  /** @param now milliseconds that only grow: a report must not outlive a clock that is set back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** As `FleetStore.announce`. */
  announce(report: InstanceReport, ttlMs: number): void {
    this.#reports.set(report.id, { report, until: this.#now() + ttlMs })
  }

  /** As `FleetStore.instances`. */
  instances(): readonly InstanceReport[] {
    const now = this.#now()
    for (const [id, { until }] of this.#reports) if (until <= now) this.#reports.delete(id)
    return [...this.#reports.values()].map(({ report }) => report).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** As `FleetStore.withdraw`. */
  withdraw(id: string): void {
    this.#reports.delete(id)
  }
}
