/** The instances that share a Redis: each keeps a report there that runs out. */
import { kinds } from '../core/change.ts'
import type { InstanceReport } from '../core/store.ts'
import type { RedisClient } from './redis-client.ts'
import type { RedisKeys } from './redis-keys.ts'
import { createScript } from './redis-script.ts'

const announceScript = createScript('redis-announce.lua')
const instancesScript = createScript('redis-instances.lua')
const withdrawScript = createScript('redis-withdraw.lua')

/** As `FleetStore.announce`. */
export async function announce(client: RedisClient, keys: RedisKeys, report: InstanceReport, ttlMs: number): Promise<void> {
  const args = [report.id, JSON.stringify(report), Math.max(1, Math.ceil(ttlMs))]
  await client.run(announceScript, [keys.instances, keys.instance + report.id], args, () => {})
}

/** As `FleetStore.instances`. */
export async function instances(client: RedisClient, keys: RedisKeys): Promise<readonly InstanceReport[]> {
  const texts = await client.run(instancesScript, [keys.instances], [keys.instance], answer => answer as string[])
  return texts.flatMap(text => readReport(text) ?? []).sort((a, b) => (a.id < b.id ? -1 : 1))
}

/** As `FleetStore.withdraw`. */
export async function withdraw(client: RedisClient, keys: RedisKeys, id: string): Promise<void> {
  await client.run(withdrawScript, [keys.instances, keys.instance + id], [id], () => {})
}

/** A report as it was announced; undefined for a text that no instance wrote. */
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
  const { id, version, revision, digest, at, rejected } = value as Record<string, unknown>
  const texts = [id, version, digest, at]
  return (
    texts.every(text => typeof text === 'string') && Number.isSafeInteger(revision) && Array.isArray(rejected) && rejected.every(isRejected)
  )
}

function isRejected(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false
  const { kind, id, reason } = value as Record<string, unknown>
  return kinds.some(known => known === kind) && typeof id === 'string' && typeof reason === 'string'
}
