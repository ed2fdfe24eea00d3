/** The instances of a store as `GET /instances` shows them. */
import type { InstanceReport } from '../core/store.ts'
import { isSameLife } from './spread.ts'

/** Wire shape of one instance. */
export interface InstanceEntry {
  readonly id: string
  readonly version: string
  readonly revision: number
  /** How many revisions it is behind the newest; null when it follows another life of the store. */
  readonly lag: number | null
  readonly digest: string
  readonly at: string
  readonly self: boolean
  readonly in_sync: boolean
}

/** @param selfId the instance that is asked; `reports` holds its report */
export function toInstanceList(reports: readonly InstanceReport[], selfId: string): readonly InstanceEntry[] {
  const self = reports.find(({ id }) => id === selfId)
  const comparable = reports.filter(report => self !== undefined && isSameLife(report, self))
  const newest = Math.max(0, ...comparable.map(({ revision }) => revision))
  // Of two that differ at one revision, nobody can tell here which is wrong: neither is in sync.
  const digests = new Set(comparable.filter(({ revision }) => revision === newest).map(({ digest }) => digest))
  return reports.map(report => {
    const { id, version, revision, digest, at } = report
    const lag = comparable.includes(report) ? newest - revision : null
    return { id, version, revision, lag, digest, at, self: id === selfId, in_sync: lag === 0 && digests.size === 1 }
  })
}
