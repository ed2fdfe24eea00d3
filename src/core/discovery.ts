/** The shapes of discovery: a `discovery` block that is checked, and what its source finds. */
import type { Discovery } from '../../schemas/discovery.ts'

export interface CompiledDiscovery {
  /** Equal for blocks that are equal, secrets among it: they share one source. */
  readonly key: string
  readonly item: Discovery
}

/** A target as a source names it. */
export interface DiscoveredTarget {
  readonly url: string
  /** From 0 to 1000. */
  readonly weight: number
}
