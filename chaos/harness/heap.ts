/** How much of its heap a gateway really uses: what is garbage comes and goes, and says nothing. */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Member } from './members.ts'

/** In the folder that the gateway runs in. */
export const heapFile = 'heap-after-collection'

/** What Node is to be given so that a gateway can be asked. */
export const heapArgs: readonly string[] = ['--import', fileURLToPath(new URL('heap-report.ts', import.meta.url))]

/** Collects the garbage of `member` and resolves with what is left, in MB. It must have been started with `heapArgs`. */
export async function heapMb({ folder, gateway }: Member): Promise<number> {
  const file = join(folder, heapFile)
  rmSync(file, { force: true })
  gateway.child.kill('SIGURG')
  while (!existsSync(file) || readFileSync(file, 'utf8') === '') await sleep(5)
  return Number(readFileSync(file, 'utf8')) / 1e6
}
