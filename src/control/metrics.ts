/** What the gateway measures, for Prometheus. One object per process, with a registry of its own. */
import { Counter, collectDefaultMetrics, Gauge, Registry } from '@prometheus-io/client'
import { version } from '../version.ts'
import { type AuthMetrics, createAuthMetrics } from './auth-metrics.ts'
import { type BreakerMetrics, createBreakerMetrics } from './breaker-metrics.ts'
import { createDiscoveryMetrics, type DiscoveryMetrics } from './discovery-metrics.ts'
import { createHealthMetrics, type HealthMetrics } from './health-metrics.ts'
import { createLimitMetrics, type LimitMetrics } from './limit-metrics.ts'
import { createOverloadMetrics, type OverloadMetrics } from './overload-metrics.ts'
import { RequestDurations } from './request-durations.ts'
import { createRolloutMetrics, type RolloutMetrics } from './rollout-metrics.ts'
import { RuleSeriesSet } from './rule-series.ts'
import { createUpstreamMetrics, type UpstreamMetrics } from './upstream-metrics.ts'
import { createWebSocketMetrics, type WebSocketMetrics } from './websocket-metrics.ts'

export interface Metrics
  extends RolloutMetrics,
    OverloadMetrics,
    UpstreamMetrics,
    HealthMetrics,
    BreakerMetrics,
    DiscoveryMetrics,
    LimitMetrics,
    AuthMetrics,
    WebSocketMetrics {
  readonly registry: Registry
  /** A request has come in. */
  requestStarted(): void
  /** Its exchange is over. `rule` is `''` when none took it; 499 stands for a client that left before there was an answer. */
  requestEnded(rule: string, status: number, seconds: number): void
  /** Removes the series of a rule that is gone. */
  forgetRule(rule: string): void
  /** Removes the series of all rules for which `isLive` is false. */
  retainRules(isLive: (rule: string) => boolean): void
  /** A revision became live, with so many items left out. */
  recordApply(revision: number, quarantinedItems: number): void
  /** A revision could not be read, or an item of it could not become live. */
  recordApplyFailure(): void
  setStoreUp(store: string, isUp: boolean): void
  /** False: the store answers, but lost its data or holds those of another life. */
  setStoreFollowed(isFollowed: boolean): void
  /** The last good configuration could not be written to disk. */
  recordLastGoodFailure(): void
  /** How many instances are live. */
  setInstances(count: number): void
  /** Another instance holds something else at the same revision. */
  recordDigestMismatch(): void
}

export interface MetricsOptions {
  /** Whether the process itself (CPU, memory, event loop, garbage collection) is measured, too. Default true. */
  readonly measureProcess?: boolean
}

export function createMetrics({ measureProcess = true }: MetricsOptions = {}): Metrics {
  const registry = new Registry()
  if (measureProcess) collectDefaultMetrics({ register: registry })
  buildInfo(registry)
  return {
    registry,
    ...createRequestMetrics(registry),
    ...createConfigMetrics(registry),
    ...createFleetMetrics(registry),
    ...createRolloutMetrics(registry),
    ...createOverloadMetrics(registry),
    ...createUpstreamMetrics(registry),
    ...createHealthMetrics(registry),
    ...createBreakerMetrics(registry),
    ...createDiscoveryMetrics(registry),
    ...createLimitMetrics(registry),
    ...createAuthMetrics(registry),
    ...createWebSocketMetrics(registry)
  }
}

function buildInfo(registry: Registry): void {
  const info = new Gauge({
    name: 'sluice_build_info',
    help: 'Version of the gateway; always 1.',
    labelNames: ['version'],
    registers: [registry]
  })
  info.set({ version }, 1)
}

type RequestMetrics = Pick<Metrics, 'requestStarted' | 'requestEnded' | 'forgetRule' | 'retainRules'>

function createRequestMetrics(registry: Registry): RequestMetrics {
  const series = new RuleSeriesSet()
  let inFlight = 0
  new Counter({
    name: 'sluice_http_requests_total',
    help: 'Requests whose exchange is over, by rule and status.',
    labelNames: ['rule', 'code'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { rule, counts } of series) for (const [code, count] of counts) this.inc({ rule, code }, count)
    }
  })
  new RequestDurations(series, registry)
  new Gauge({
    name: 'sluice_http_requests_in_flight',
    help: 'Requests whose exchange is not over.',
    registers: [registry],
    collect() {
      this.set(inFlight)
    }
  })
  return {
    requestStarted: () => {
      inFlight++
    },
    requestEnded: (rule, status, seconds) => {
      inFlight--
      series.of(rule).record(status, seconds)
    },
    forgetRule: rule => series.forget(rule),
    retainRules: isLive => series.retain(isLive)
  }
}

type ConfigMetrics = Pick<Metrics, 'recordApply' | 'recordApplyFailure' | 'setStoreUp' | 'setStoreFollowed' | 'recordLastGoodFailure'>

function createConfigMetrics(registry: Registry): ConfigMetrics {
  const registers = [registry]
  const revision = new Gauge({ name: 'sluice_config_revision', help: 'The revision that is live.', registers })
  const applies = new Counter({ name: 'sluice_config_applies_total', help: 'Revisions that became live.', registers })
  const failures = new Counter({
    name: 'sluice_config_apply_failures_total',
    help: 'Revisions that could not be read and items that could not become live.',
    registers
  })
  const quarantined = new Gauge({ name: 'sluice_config_quarantined_items', help: 'Items of the store that are not live.', registers })
  const lastApply = new Gauge({
    name: 'sluice_config_last_apply_timestamp_seconds',
    help: 'When a revision last became live.',
    registers
  })
  const storeUp = new Gauge({ name: 'sluice_store_up', help: 'Whether the store answers.', labelNames: ['store'], registers })
  const followed = new Gauge({
    name: 'sluice_store_followed',
    help: '0: the store answers but is not followed, as it lost its data or holds those of another life.',
    registers
  })
  followed.set(1)
  const lastGood = new Counter({
    name: 'sluice_last_good_write_failures_total',
    help: 'How often the last good configuration could not be written to disk.',
    registers
  })
  return {
    recordApply: (number, quarantinedItems) => {
      revision.set(number)
      applies.inc()
      quarantined.set(quarantinedItems)
      lastApply.setToCurrentTime()
    },
    recordApplyFailure: () => failures.inc(),
    setStoreUp: (store, isUp) => storeUp.set({ store }, isUp ? 1 : 0),
    setStoreFollowed: isFollowed => followed.set(isFollowed ? 1 : 0),
    recordLastGoodFailure: () => lastGood.inc()
  }
}

function createFleetMetrics(registry: Registry): Pick<Metrics, 'setInstances' | 'recordDigestMismatch'> {
  const registers = [registry]
  const instances = new Gauge({ name: 'sluice_instances', help: 'Live instances that share the store, this one included.', registers })
  const mismatches = new Counter({
    name: 'sluice_config_digest_mismatches_total',
    help: 'How often another instance held something else at the same revision.',
    registers
  })
  instances.set(1)
  return { setInstances: count => instances.set(count), recordDigestMismatch: () => mismatches.inc() }
}
