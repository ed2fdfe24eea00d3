/** What every source of targets is to the gateway. */
import type { DiscoveredTarget } from '../core/discovery.ts'

export interface SourceEvents {
  /** The source has answered: these are all its targets now. It may come though nothing has changed. A failure never looks like an empty list. */
  readonly onTargets: (targets: readonly DiscoveredTarget[]) => void
  /** The source does not answer, or not as it should. It goes on trying by itself. The message is for a person and holds no secret. */
  readonly onTrouble: (error: Error) => void
}

export interface DiscoverySource {
  /** Asks at once, however long the last answer holds: `onTargets` or `onTrouble` follows. */
  refresh(): void
  /** Stops asking and releases every connection. Nothing is told any more. */
  close(): Promise<void>
}

/** Weights are integers from 0 to 1000; what is more than nothing is at least 1. */
export function toWeight(value: unknown): number {
  const weight = typeof value === 'number' && Number.isFinite(value) ? value : 1
  return weight <= 0 ? 0 : Math.min(1_000, Math.max(1, Math.round(weight)))
}

/** `http://10.0.0.7:8080`; IPv6 addresses in brackets. */
export function toUrl(scheme: string, host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`
}
