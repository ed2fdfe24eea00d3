/** What a service or a rule says about its breaker, compiled. */
import { type BreakerSettings, defaultBreaker, defaultReadyToTrip } from '../../schemas/breaker.ts'
import type { TripPolicy } from './breaker.ts'
import type { CompiledBreaker, FallbackAnswer } from './breaker-policy.ts'
import { compileFields } from './header-edits.ts'
import { toRange } from './health-check.ts'
import type { Faults } from './rule-fault.ts'

// RFC 9110 sections 15.3.5, 15.3.6, 15.4.5: answers that have no content.
const withoutBody: ReadonlySet<number> = new Set([204, 205, 304])

/** `breaker` of an item. What is wrong with it goes to `faults`. @param ownService the service that it guards, which cannot stand in for itself */
export function compileBreaker(written: BreakerSettings, ownService: string | undefined, faults: Faults): CompiledBreaker {
  const filled = { ...defaultBreaker, ...written }
  const ranges = filled.failure_status.map(toRange)
  for (const [index, [from, to]] of ranges.entries())
    if (from > to) faults.add(['breaker', 'failure_status', index], 'begins after its end')
  const respond = compileFallback(written, ownService, faults)
  return {
    scope: filled.scope,
    maxRequests: filled.max_requests,
    intervalMs: filled.interval_ms,
    timeoutMs: filled.timeout_ms,
    isFailure: status => ranges.some(([from, to]) => from <= status && status <= to),
    readyToTrip: compileTrip(written, faults),
    respond,
    fallbackService: written.fallback?.target_service
  }
}

function compileTrip({ ready_to_trip: written }: BreakerSettings, faults: Faults): TripPolicy {
  const filled = { ...defaultReadyToTrip, ...written }
  const { consecutive_failures, error_rate, slow_rate, slow_ms } = filled
  const at = ['breaker', 'ready_to_trip']
  if (slow_rate !== null && slow_ms === null) faults.add([...at, 'slow_rate'], 'needs slow_ms: what is slow?')
  if (slow_rate === null && slow_ms !== null) faults.add([...at, 'slow_ms'], 'needs slow_rate: it does nothing by itself')
  if (consecutive_failures === null && error_rate === null && slow_rate === null)
    faults.add(at, 'needs consecutive_failures, error_rate or slow_rate: without any it never opens')
  return {
    consecutiveFailures: consecutive_failures,
    errorRate: error_rate,
    slowRate: slow_rate,
    slowMs: slow_ms,
    minRequests: filled.min_requests
  }
}

function compileFallback({ fallback }: BreakerSettings, ownService: string | undefined, faults: Faults): FallbackAnswer | undefined {
  if (fallback === undefined) return undefined
  const { respond, target_service: service } = fallback
  const at = ['breaker', 'fallback']
  if ((respond === undefined) === (service === undefined)) faults.add(at, 'needs exactly one of respond, target_service')
  if (service !== undefined && service === ownService) faults.add([...at, 'target_service'], 'is the service that the breaker guards')
  if (respond === undefined) return undefined
  const { status = 200, headers, body = '' } = respond
  if (body !== '' && withoutBody.has(status)) faults.add([...at, 'respond', 'body'], `an answer with status ${status} has no body`)
  return { status, headers: compileFields(headers, [...at, 'respond', 'headers'], faults), body }
}
