/** What a service says about probes and ejections, compiled. */
import { defaultHealthCheck, defaultOutlier, type HealthCheck, type Outlier, type StatusPattern } from '../../schemas/service-health.ts'
import type { ProbeThresholds } from './health-state.ts'
import type { OutlierPolicy } from './outlier.ts'
import type { Faults } from './rule-fault.ts'

export interface CompiledHealthCheck extends ProbeThresholds {
  readonly type: 'http' | 'tcp'
  readonly path: string
  readonly method: 'GET' | 'HEAD' | 'OPTIONS'
  /** Undefined: the host of the target. */
  readonly host: string | undefined
  readonly intervalMs: number
  readonly timeoutMs: number
  isExpected(status: number): boolean
}

/** `health_check` of a service. What is wrong with it goes to `faults`. */
export function compileHealthCheck(written: HealthCheck, faults: Faults): CompiledHealthCheck {
  const filled = { ...defaultHealthCheck, host: null, ...written }
  const list: readonly StatusPattern[] = Array.isArray(filled.expect_status) ? filled.expect_status : [filled.expect_status]
  const ranges = list.map(toRange)
  for (const [index, [from, to]] of ranges.entries()) {
    const place = Array.isArray(filled.expect_status) ? [index] : []
    if (from > to) faults.add(['health_check', 'expect_status', ...place], 'begins after its end')
  }
  return {
    type: filled.type,
    path: filled.path,
    method: filled.method,
    host: filled.host ?? undefined,
    intervalMs: filled.interval_ms,
    timeoutMs: filled.timeout_ms,
    unhealthyAfter: filled.unhealthy_after,
    healthyAfter: filled.healthy_after,
    isExpected: status => ranges.some(([from, to]) => from <= status && status <= to)
  }
}

/** The first and the last status that a pattern stands for. */
export function toRange(pattern: StatusPattern): readonly [from: number, to: number] {
  if (typeof pattern === 'number') return [pattern, pattern]
  if (pattern.endsWith('xx')) return [Number(`${pattern[0]}00`), Number(`${pattern[0]}99`)]
  const [from, to = from] = pattern.split('-')
  return [Number(from), Number(to)]
}

/** `outlier` of a service. */
export function compileOutlier(written: Outlier): OutlierPolicy {
  const filled = { ...defaultOutlier, ...written }
  return {
    consecutiveErrors: filled.consecutive_errors,
    intervalMs: filled.interval_ms,
    baseEjectionMs: filled.base_ejection_ms,
    maxEjectionPercent: filled.max_ejection_percent,
    latencyFactor: filled.latency_factor
  }
}
