/** What a rule or a tier says about its limits, compiled. Checks everything that the schema cannot say. */
import { defaultGains, defaultRateLimit, type LimitAlgorithm, type RateLimit, type RateLimits } from '../../../schemas/rate-limit.ts'
import type { Faults } from '../rule-fault.ts'
import type { AdaptivePolicy, CompiledLimit } from './compiled-limit.ts'
import { compileKey } from './key.ts'
import { algorithmOf, keyOf, type LimitOwner, modeOf, scopeOf } from './limit-defaults.ts'
import { faultsOfLimit } from './limit-faults.ts'
import type { LimitSpec } from './spec.ts'

const none: readonly CompiledLimit[] = []
const shared = { kind: 'global', id: '' } as const

/** The limits, in the order written. What is wrong with them goes to `faults`, under `at`. */
export function compileLimits(
  written: RateLimits | undefined,
  owner: LimitOwner,
  faults: Faults,
  at: readonly (string | number)[]
): readonly CompiledLimit[] {
  if (written === undefined) return none
  const list = Array.isArray(written) ? written : [written]
  const ids = new Set<string>()
  return list.map((item, index) => {
    const place = Array.isArray(written) ? [...at, index] : at
    for (const { keys, detail } of faultsOfLimit(item, owner)) faults.add([...place, ...keys], detail)
    const limit = compileLimit(item, owner, ids)
    ids.add(limit.id)
    return limit
  })
}

/** The tiers that limits name in `by_tier`, and where. */
export function* tiersOf(
  written: RateLimits | undefined,
  at: readonly (string | number)[]
): Generator<{ tier: string; keys: readonly (string | number)[] }> {
  if (written === undefined) return
  const list = Array.isArray(written) ? written : [written]
  for (const [index, { by_tier }] of list.entries())
    for (const tier of Object.keys(by_tier ?? {}))
      yield { tier, keys: [...at, ...(Array.isArray(written) ? [index] : []), 'by_tier', tier] }
}

function compileLimit(item: RateLimit, owner: LimitOwner, taken: ReadonlySet<string>): CompiledLimit {
  const algorithm = algorithmOf(item)
  const key = keyOf(item, owner)
  return {
    id: toId(owner, algorithm, key, taken),
    owner: key.includes('global') ? shared : { kind: owner.kind, id: owner.id },
    item,
    algorithm,
    spec: toSpec(item),
    byTier: item.by_tier && new Map(Object.entries(item.by_tier).map(([tier, other]) => [tier, toSpec(overridden(item, other))])),
    toKey: compileKey(key, owner.path),
    scope: scopeOf(item),
    mode: modeOf(item),
    onStoreFailure: item.on_store_failure ?? defaultRateLimit.on_store_failure,
    shadow: item.shadow ?? defaultRateLimit.shadow,
    adaptive: algorithm === 'adaptive' ? toAdaptive(item) : undefined
  }
}

// Neither the numbers nor the window are part of it: counters outlive their changes. No id has a slash.
function toId({ kind, id }: LimitOwner, algorithm: LimitAlgorithm, key: readonly string[], taken: ReadonlySet<string>): string {
  const owner = key.includes('global') ? 'global' : `${kind}/${id}`
  const base = `${owner}/${algorithm}/${key.join(',')}`
  let result = base
  for (let number = 2; taken.has(result); number++) result = `${base}/${number}`
  return result
}

function toSpec({
  limit,
  window_ms = defaultRateLimit.window_ms,
  burst = limit,
  max_delay_ms = defaultRateLimit.max_delay_ms
}: RateLimit): LimitSpec {
  return { limit, windowMs: window_ms, burst, maxDelayMs: max_delay_ms }
}

// A burst belongs to its limit: another limit without a burst of its own has none but itself.
function overridden(item: RateLimit, other: Partial<Pick<RateLimit, 'limit' | 'burst' | 'window_ms'>>): RateLimit {
  const { burst, ...rest } = item
  return { ...rest, ...(other.limit === undefined && burst !== undefined ? { burst } : {}), ...other }
}

function toAdaptive({ limit, target_latency_ms, min, max, kp, ki, kd, window_ms, burst }: RateLimit): AdaptivePolicy {
  return {
    targetMs: target_latency_ms ?? Number.NaN,
    min: min ?? 1,
    max: max ?? limit,
    start: limit,
    kp: kp ?? defaultGains.kp,
    ki: ki ?? defaultGains.ki,
    kd: kd ?? defaultGains.kd,
    windowMs: window_ms ?? defaultRateLimit.window_ms,
    burst
  }
}
