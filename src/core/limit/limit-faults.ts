/** What contradicts itself in a limit, or cannot be where it stands. */
import { defaultGains, type RateLimit } from '../../../schemas/rate-limit.ts'
import type { PathMatcher } from '../match.ts'
import { algorithmOf, isLeasable, keyOf, type LimitOwner, scopeOf } from './limit-defaults.ts'

export interface LimitFault {
  /** Where, within the limit. */
  readonly keys: readonly (string | number)[]
  readonly detail: string
}

/** The most requests that a log remembers for one key. */
const longestLog = 10_000

const adaptiveFields = ['target_latency_ms', 'min', 'max', 'kp', 'ki', 'kd'] as const

export function* faultsOfLimit(item: RateLimit, owner: LimitOwner): Generator<LimitFault> {
  yield* faultsOfFields(item)
  yield* algorithmOf(item) === 'adaptive' ? faultsOfAdaptive(item) : []
  yield* faultsOfKey(item, owner)
  yield* faultsOfTiers(item, owner)
}

function* faultsOfFields(item: RateLimit): Generator<LimitFault> {
  const algorithm = algorithmOf(item)
  const { limit, burst, max_delay_ms = 0, window_ms, mode } = item
  if (burst !== undefined && algorithm !== 'token_bucket' && algorithm !== 'adaptive')
    yield { keys: ['burst'], detail: `is for token_bucket and adaptive: ${algorithm} has no burst` }
  if (max_delay_ms > 0 && algorithm !== 'leaky_bucket')
    yield { keys: ['max_delay_ms'], detail: 'is for leaky_bucket: the others hold nothing back' }
  if (window_ms !== undefined && algorithm === 'concurrency')
    yield { keys: ['window_ms'], detail: 'is not for concurrency, which counts what is in flight' }
  if (algorithm === 'sliding_log' && limit > longestLog)
    yield { keys: ['limit'], detail: `must be at most ${longestLog} for sliding_log; sliding_window has no such bound` }
  if (mode === 'bounded' && !isLeasable(item))
    yield { keys: ['mode'], detail: `bounded is for token_bucket, sliding_window and fixed_window: ${algorithm} cannot take tokens ahead` }
  if (algorithm === 'adaptive' && scopeOf(item) === 'cluster')
    yield { keys: ['scope'], detail: 'must be instance for adaptive: each instance moves the rate by what it sees' }
  if (algorithm !== 'adaptive')
    for (const field of adaptiveFields) if (item[field] !== undefined) yield { keys: [field], detail: 'is for adaptive' }
}

function* faultsOfAdaptive({
  limit,
  min = 1,
  max = limit,
  target_latency_ms,
  kp,
  ki,
  kd = defaultGains.kd,
  by_tier
}: RateLimit): Generator<LimitFault> {
  if (target_latency_ms === undefined) yield { keys: ['target_latency_ms'], detail: 'is needed: what shall the rate be moved for?' }
  if (min > max) yield { keys: ['min'], detail: 'is above max' }
  else if (limit < min || limit > max) yield { keys: ['limit'], detail: 'is where the rate begins: it must be from min to max' }
  if (kp === 0 && ki === 0 && kd === 0) yield { keys: ['kp'], detail: 'with all gains 0 the rate never moves' }
  if (by_tier !== undefined) yield { keys: ['by_tier'], detail: 'is not for adaptive: there is one rate' }
}

function* faultsOfKey(item: RateLimit, owner: LimitOwner): Generator<LimitFault> {
  const isList = Array.isArray(item.key)
  for (const [index, part] of keyOf(item, owner).entries()) {
    const detail = faultOfPart(part, keyOf(item, owner).slice(0, index), owner)
    if (detail !== undefined) yield { keys: isList ? ['key', index] : ['key'], detail }
  }
}

function faultOfPart(part: string, before: readonly string[], { kind, path, knowsClients }: LimitOwner): string | undefined {
  if (before.includes(part)) return `names '${part}' twice`
  if (part === 'client' && !knowsClients) return 'needs `auth` in the rule: without it there is no client'
  if (kind === 'tier' && (part === 'rule' || part === 'global' || part.startsWith('param:')))
    return `'${part}' is for rules: a tier counts over all of them`
  if ((part === 'rule' && before.includes('global')) || (part === 'global' && before.includes('rule')))
    return "'rule' and 'global' exclude each other"
  if (part.startsWith('param:') && path !== undefined && !namesOf(path).includes(part.slice('param:'.length)))
    return `names '${part.slice('param:'.length)}', which the path does not capture`
  return undefined
}

function namesOf(path: PathMatcher): readonly string[] {
  if (path.type === 'template') return path.names
  return path.type === 'regex' ? path.pattern.groupNames : []
}

function* faultsOfTiers(item: RateLimit, { kind, knowsClients }: LimitOwner): Generator<LimitFault> {
  const { by_tier } = item
  if (by_tier === undefined) return
  if (kind === 'tier') yield { keys: ['by_tier'], detail: 'is for rules' }
  else if (!knowsClients) yield { keys: ['by_tier'], detail: 'needs `auth` in the rule: without it there is no client' }
  const algorithm = algorithmOf(item)
  for (const [tier, { limit, burst, window_ms }] of Object.entries(by_tier)) {
    if (burst !== undefined && algorithm !== 'token_bucket')
      yield { keys: ['by_tier', tier, 'burst'], detail: `is for token_bucket: ${algorithm} has no burst` }
    if (window_ms !== undefined && algorithm === 'concurrency')
      yield { keys: ['by_tier', tier, 'window_ms'], detail: 'is not for concurrency, which counts what is in flight' }
    if (algorithm === 'sliding_log' && limit !== undefined && limit > longestLog)
      yield { keys: ['by_tier', tier, 'limit'], detail: `must be at most ${longestLog} for sliding_log` }
  }
}
