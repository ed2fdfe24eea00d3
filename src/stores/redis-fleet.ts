/** The instances that share a Redis: each keeps a report there that runs out. */
import type { InstanceReport } from '../core/store.ts'
import type { RedisClient } from './redis-client.ts'
import type { RedisKeys } from './redis-keys.ts'
import { createScript } from './redis-script.ts'
import { readReport } from './report-text.ts'

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
