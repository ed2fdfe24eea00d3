/** A real Redis Sentinel for a test, of which one is enough for a failover. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import type { Test } from 'tap'
import { freePort, killed, launch } from './redis.ts'

export interface SentinelOptions {
  readonly masterPort: number
  /** Of the servers; the Sentinel itself has none. */
  readonly password: string
}

export interface Sentinel {
  readonly port: number
  /** The port of the server that it takes for the master. */
  masterPort(): Promise<number>
}

/**
 * Starts a Sentinel that watches the master `main` on `masterPort`, and resolves when it knows its replica. A master that is silent for half a second is
 * replaced.
 */
export async function startSentinel(t: Pick<Test, 'teardown'>, { masterPort, password }: SentinelOptions): Promise<Sentinel> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-sentinel-'))
  const port = await freePort()
  const config = join(dir, 'sentinel.conf')
  await writeFile(
    config,
    [
      'bind 127.0.0.1',
      `port ${port}`,
      `dir ${dir}`,
      `sentinel monitor main 127.0.0.1 ${masterPort} 1`,
      `sentinel auth-pass main ${password}`,
      'sentinel down-after-milliseconds main 500',
      'sentinel failover-timeout main 3000'
    ].join('\n')
  )
  const child = await launch([config, '--sentinel'], '+monitor master')
  const client = new Redis({ port, enableReadyCheck: false })
  t.teardown(async () => {
    client.disconnect()
    await killed(child)
    await rm(dir, { recursive: true, force: true })
  })
  while (((await client.call('SENTINEL', 'REPLICAS', 'main')) as unknown[]).length === 0) await new Promise(setImmediate)
  return {
    port,
    masterPort: async () => Number(((await client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'main')) as string[])[1])
  }
}
