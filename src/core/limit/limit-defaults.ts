/** What a limit is when it does not say, and whose it is. */
import { defaultRateLimit, type LimitAlgorithm, type LimitMode, type LimitScope, type RateLimit } from '../../../schemas/rate-limit.ts'
import type { PathMatcher } from '../match.ts'
import { isLeased } from './lease-bounds.ts'

/** Whose limits these are. */
export interface LimitOwner {
  readonly kind: 'rule' | 'tier'
  readonly id: string
  /** Of a rule: what `param:X` is taken from. Undefined for a tier, and for a rule whose path is wrong. */
  readonly path?: PathMatcher | undefined
  /** Whether requests can have a client. Always for a tier. */
  readonly knowsClients: boolean
}

/** How a limit's key is made up when it does not say. */
export function keyOf(item: RateLimit, { kind }: Pick<LimitOwner, 'kind'>): readonly string[] {
  if (item.key !== undefined) return Array.isArray(item.key) ? item.key : [item.key]
  return kind === 'tier' ? ['client'] : defaultRateLimit.key
}

export function algorithmOf({ algorithm = defaultRateLimit.algorithm }: RateLimit): LimitAlgorithm {
  return algorithm
}

// Each instance moves the rate by what it sees: there is nothing to count together.
export function scopeOf(item: RateLimit): LimitScope {
  return item.scope ?? (algorithmOf(item) === 'adaptive' ? 'instance' : 'cluster')
}

export function isLeasable(item: RateLimit): boolean {
  return isLeased(algorithmOf(item))
}

export function modeOf(item: RateLimit): LimitMode {
  return item.mode ?? (isLeasable(item) ? 'bounded' : 'exact')
}
