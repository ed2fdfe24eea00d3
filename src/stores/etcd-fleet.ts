/** The instances that share an etcd: each keeps a report there, on a lease. */
import type { InstanceReport } from '../core/store.ts'
import { EtcdError, grpcStatus } from '../etcd/etcd-client.ts'
import { put, remove } from '../etcd/etcd-kv.ts'
import type { EtcdSpace } from './etcd-space.ts'
import { readReport } from './report-text.ts'

interface Lease {
  readonly id: string
  readonly ttlMs: number
}

export class EtcdFleet {
  readonly #space: EtcdSpace
  /** By instance. */
  readonly #leases = new Map<string, Lease>()

  constructor(space: EtcdSpace) {
    this.#space = space
  }

  /** As `FleetStore.announce`. etcd rounds `ttlMs` up to seconds, of which two are the least. */
  async announce(report: InstanceReport, ttlMs: number): Promise<void> {
    const { kv, keys } = this.#space
    const known = this.#leases.get(report.id)
    const isAlive = known?.ttlMs === ttlMs && (await kv.keepAlive(known.id))
    const lease = isAlive ? known : { id: await kv.grant(ttlMs), ttlMs }
    this.#leases.set(report.id, lease)
    try {
      await kv.txn([], [put(keys.alive(report.id), JSON.stringify(report), lease.id)])
    } catch (error) {
      // It ran out in this very moment.
      if (error instanceof EtcdError && error.code === grpcStatus.notFound) this.#leases.delete(report.id)
      throw error
    }
  }

  /** As `FleetStore.instances`. */
  async instances(): Promise<readonly InstanceReport[]> {
    const entries = await this.#space.kv.range(this.#space.keys.instances)
    return entries.flatMap(({ value }) => readReport(value.toString()) ?? []).sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** As `FleetStore.withdraw`. */
  async withdraw(id: string): Promise<void> {
    this.#leases.delete(id)
    await this.#space.kv.txn([], [remove(this.#space.keys.alive(id))])
  }
}
