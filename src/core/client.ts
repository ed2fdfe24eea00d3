/** Known callers and their tiers, compiled. */
import type { Client } from '../../schemas/client.ts'
import type { Tier } from '../../schemas/tier.ts'
import type { CompiledLimit } from './limit/compiled-limit.ts'

export interface CompiledClient {
  readonly id: string
  readonly item: Client
  /** The id of its tier. */
  readonly tier: string | undefined
  readonly keys: readonly CompiledKey[]
}

export interface CompiledKey {
  /** Of the key, in hexadecimal. */
  readonly sha256: string
  /** Milliseconds since the epoch; infinite: never. */
  readonly expiresMs: number
}

export interface CompiledTier {
  readonly id: string
  readonly item: Tier
  readonly limits: readonly CompiledLimit[]
}

/** Whose key it is, and how long it is good. */
export interface KeyOwner {
  readonly client: CompiledClient
  readonly expiresMs: number
}
