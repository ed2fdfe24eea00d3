/** What is measured of limits. Read at a scrape. */
import { Counter, Gauge, type Registry } from '@prometheus-io/client'
import type { Limiter } from '../limits/limiter.ts'
import type { LiveLimit } from '../limits/live-limit.ts'

export interface LimitMetrics {
  /** Where the counts come from. Default: there are none. */
  readLimits(source: Limiter): void
}

export function createLimitMetrics(registry: Registry): LimitMetrics {
  const registers = [registry]
  let limiter: Limiter | undefined
  new Counter({
    name: 'sluice_rate_limit_requests_total',
    help: 'Requests under limits, by what became of them. delayed and shadowed are among those allowed.',
    labelNames: ['limit', 'rule', 'tier', 'outcome'],
    registers,
    collect() {
      this.reset()
      for (const { id: limit, tallies } of limiter?.live ?? [])
        for (const { rule, tier, allowed, refused, delayed, shadowed } of tallies)
          for (const [outcome, count] of Object.entries({ allowed, refused, delayed, shadowed }))
            if (count > 0) this.inc({ limit, rule, tier, outcome }, count)
    }
  })
  new Counter({
    name: 'sluice_rate_limit_store_failures_total',
    help: 'Requests under limits that the store was to be asked for and did not answer.',
    labelNames: ['limit'],
    registers,
    collect() {
      this.reset()
      for (const { id: limit, storeFailures } of limiter?.live ?? []) if (storeFailures > 0) this.inc({ limit }, storeFailures)
    }
  })
  new Counter({
    name: 'sluice_rate_limit_overshoot_total',
    help: 'Requests that bounded limits let through above the limit, as the store found out.',
    labelNames: ['limit'],
    registers,
    collect() {
      this.reset()
      for (const { id: limit, ahead } of limiter?.live ?? []) if ((ahead?.overshoot ?? 0) > 0) this.inc({ limit }, ahead!.overshoot)
    }
  })
  new Gauge({
    name: 'sluice_rate_limit_keys',
    help: 'Keys that are counted in memory.',
    labelNames: ['limit'],
    registers,
    collect() {
      this.reset()
      for (const { id: limit, keys } of limiter?.live ?? []) this.set({ limit }, keys)
    }
  })
  new Counter({
    name: 'sluice_rate_limit_evictions_total',
    help: 'Keys that had to go because there were too many.',
    labelNames: ['limit'],
    registers,
    collect() {
      this.reset()
      for (const { id: limit, evictions } of limiter?.live ?? []) if (evictions > 0) this.inc({ limit }, evictions)
    }
  })
  new Gauge({
    name: 'sluice_rate_limit_instances',
    help: 'Instances that count limits together, this one included.',
    registers,
    collect() {
      this.set(limiter?.cluster?.instances ?? 1)
    }
  })
  createAdaptiveMetrics(registers, () => limiter?.live ?? [])
  return {
    readLimits: source => {
      limiter = source
    }
  }
}

function createAdaptiveMetrics(registers: Registry[], live: () => Iterable<LiveLimit>): void {
  new Gauge({
    name: 'sluice_rate_limit_adaptive_rate',
    help: 'The rate of adaptive limits at the moment, in requests per window of the limit.',
    labelNames: ['limit'],
    registers,
    collect() {
      this.reset()
      for (const { id: limit, rate } of live()) if (rate !== undefined) this.set({ limit }, rate.rate)
    }
  })
  new Gauge({
    name: 'sluice_rate_limit_adaptive_latency_seconds',
    help: 'The latency that adaptive limits measured last.',
    labelNames: ['limit'],
    registers,
    collect() {
      this.reset()
      for (const { id: limit, rate } of live()) {
        const observedMs = rate?.state.observedMs ?? null
        if (observedMs !== null) this.set({ limit }, observedMs / 1_000)
      }
    }
  })
}
