/** Who a request comes from, by what it shows. */
import type { CompiledAuth } from '../core/auth/compile-auth.ts'
import type { CompiledClient, KeyOwner } from '../core/client.ts'
import type { RequestFacts } from '../core/facts.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { digestOfKey } from './compile-client.ts'

/** Why a request is not let in: for metrics and logs. Its sender is told only that it is not. */
export type AuthRefusal = 'missing' | 'invalid' | 'expired' | 'disabled'

/** The client; undefined for nobody, who may pass; or why it may not. */
export function authenticate(auth: CompiledAuth, facts: RequestFacts, snapshot: Snapshot): CompiledClient | AuthRefusal | undefined {
  let refusal: AuthRefusal | undefined
  for (const read of auth.apiKeys) {
    const shown = read(facts)
    if (shown === undefined) continue
    // Looked up by digest: how long that takes says nothing about the keys there are.
    const owner = snapshot.keyOwner(digestOfKey(shown))
    const fault = faultOf(owner, facts.now)
    if (fault === undefined) return owner!.client
    refusal ??= fault
  }
  return refusal ?? (auth.allowsAnonymous ? undefined : 'missing')
}

function faultOf(owner: KeyOwner | undefined, nowMs: number): AuthRefusal | undefined {
  if (owner === undefined) return 'invalid'
  if (!owner.client.item.enabled) return 'disabled'
  return nowMs >= owner.expiresMs ? 'expired' : undefined
}
