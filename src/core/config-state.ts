/** Placeholder types while the pieces are built side by side; replaced by the implementation. */
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import type { Service } from '../../schemas/service.ts'
import type { Fault } from '../errors.ts'
import type { Kind } from './change.ts'

interface ItemOf {
  forward_rule: ForwardRule
  service: Service
}

/** An item that is live. */
export interface LiveItem<K extends Kind = Kind> {
  readonly kind: K
  readonly id: string
  /** Canonical: lists are lists, defaults filled in. What the API answers. */
  readonly item: ItemOf[K]
  /** As written; what a merge patch applies to and what the store keeps. */
  readonly written: unknown
  readonly seq: number
  /** The revision that last changed it, as far as this instance knows. */
  readonly revision: number
}

/** An item that the store holds and that cannot be live, with why. Its previous version, if any, stays live. */
export interface Quarantined {
  readonly kind: Kind
  readonly id: string
  /** `validation_failed`, `unknown_service`, `rule_conflict`, `unsafe_regex`, `service_in_use`, `unreadable`. */
  readonly code: string
  readonly faults: readonly Fault[]
  /** Whether an earlier version of it is still live. */
  readonly previousLive: boolean
  /** The revision that brought it. */
  readonly revision: number
}
