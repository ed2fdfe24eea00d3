/** Limits in a real Redis, for a test. */
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import type { LimitSpec } from '../../src/core/limit/spec.ts'
import { ExactLimits, type ExactTake } from '../../src/limits/exact-limits.ts'
import { LimitStore } from '../../src/limits/limit-store.ts'
import { toRedisAddress } from '../../src/stores/redis-address.ts'

type Cleanup = Pick<Test, 'teardown'>

/** A store that answers already. The budget is loose: the machine may be busy. */
export async function openStore(t: Cleanup, port: number, budgetMs = 1_000, scheme = 'redis'): Promise<LimitStore> {
  const store = new LimitStore({ address: toRedisAddress(`${scheme}://127.0.0.1:${port}`), namespace: 'test', budgetMs })
  t.teardown(() => store.close())
  await untilAvailable(store)
  return store
}

export async function openExact(t: Cleanup, port: number, budgetMs?: number, placeMs?: number): Promise<ExactLimits> {
  const exact = new ExactLimits(await openStore(t, port, budgetMs), placeMs === undefined ? {} : { placeMs })
  t.teardown(() => exact.close())
  return exact
}

/** A plain client, to look with. @param event a cluster without slots is never 'ready' */
export async function openClient(t: Cleanup, port: number, event: 'ready' | 'connect' = 'ready'): Promise<Redis> {
  const redis = new Redis(`redis://127.0.0.1:${port}`, { enableReadyCheck: event === 'ready' })
  redis.on('error', () => {})
  t.teardown(() => redis.disconnect())
  await once(redis, event)
  return redis
}

/** Resolves when the store answers, or does not any more. */
export async function untilAvailable(store: LimitStore, available = true): Promise<void> {
  if (store.available === available) return
  await new Promise<void>(resolve => {
    const stop = store.onAvailable(now => {
      if (now !== available) return
      stop()
      resolve()
    })
  })
}

export function toSpec(spec: Partial<LimitSpec> & { readonly limit: number }): LimitSpec {
  return { windowMs: 1_000, burst: spec.limit, maxDelayMs: 0, ...spec }
}

export function toTake(algorithm: ExactTake['algorithm'], spec: Partial<LimitSpec> & { readonly limit: number }, key = 'key'): ExactTake {
  return { algorithm, id: 'rule-1/0', key, spec: toSpec(spec) }
}

/** Resolves when `holds`. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(5)
}
