/** What an instance says of its parts. */
import type { LiveConfig } from './live-config.ts'

export interface StoreStatus {
  readonly name: string
  readonly status: 'UP' | 'DOWN'
  readonly since: string
  readonly reason?: string
}

export interface ConfigStatus {
  readonly status: 'UP' | 'DEGRADED' | 'DOWN'
  readonly revision: number | null
  readonly applied_at: string | null
  readonly quarantined: number
  readonly source: 'store' | 'last_good'
  readonly estranged: 'lost' | 'replaced' | null
}

/** Wire shape of the store's state. */
export function storeStatus({ storeName, storeState }: LiveConfig): StoreStatus {
  const { up, since, reason } = storeState
  return { name: storeName, status: up ? 'UP' : 'DOWN', since, ...(up || reason === undefined ? {} : { reason }) }
}

/** Wire shape of the configuration's state. */
export function configStatus({ state, lastApplied, source, estranged }: LiveConfig): ConfigStatus {
  const quarantined = state?.problems.length ?? 0
  const status = state === undefined ? 'DOWN' : quarantined > 0 || source === 'last_good' || estranged !== undefined ? 'DEGRADED' : 'UP'
  return {
    status,
    revision: state?.revision ?? null,
    applied_at: lastApplied?.at ?? null,
    quarantined,
    source,
    estranged: estranged ?? null
  }
}
