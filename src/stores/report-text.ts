import { kinds } from '../core/change.ts'
import type { InstanceReport } from '../core/store.ts'

/** A report as it was announced, as JSON; undefined for a text that no instance wrote. */
export function readReport(text: string): InstanceReport | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return isReport(value) ? value : undefined
}

function isReport(value: unknown): value is InstanceReport {
  if (typeof value !== 'object' || value === null) return false
  const { id, version, revision, digest, epoch = '', boot = '', at, rejected } = value as Record<string, unknown>
  const texts = [id, version, digest, epoch, boot, at]
  return (
    texts.every(text => typeof text === 'string') && Number.isSafeInteger(revision) && Array.isArray(rejected) && rejected.every(isRejected)
  )
}

function isRejected(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { kind, id, reason } = value as Record<string, unknown>
  return kinds.some(known => known === kind) && typeof id === 'string' && typeof reason === 'string'
}
