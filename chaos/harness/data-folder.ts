/** The folder in which a gateway keeps its last good configuration, looked at from outside. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, truncateSync, watch, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Teardown } from '../../test/helpers/gateway.ts'
import type { Skipped } from './finding.ts'
import type { Member } from './members.ts'

/** The folder. */
export function dataFolder({ folder }: Member): string {
  return join(folder, 'data')
}

/** The path of the last good configuration. @throws {Error} when there is none */
export function lastGoodPath(member: Member): string {
  const name = readdirSync(dataFolder(member)).find(name => name.endsWith('.ndjson'))
  if (name === undefined) throw new Error(`${member.name} has written no last good configuration`)
  return join(dataFolder(member), name)
}

/** Resolves once `revision` or a newer one is on disk. It is written some time after it is live. */
export async function untilOnDisk(member: Member, revision: number): Promise<void> {
  while (revisionOnDisk(member) < revision) await sleep(10)
}

function revisionOnDisk(member: Member): number {
  try {
    const head = readFileSync(lastGoodPath(member), 'utf8').split('\n', 1)[0]!
    return (JSON.parse(head) as { revision: number }).revision
  } catch {
    return -1
  }
}

/** Files that were set aside as damaged. */
export function setAside(member: Member): string[] {
  return readdirSync(dataFolder(member)).filter(name => name.includes('.damaged-'))
}

/** Resolves when something happens to a file whose name `pattern` finds. */
export async function nextFile(member: Member, pattern: RegExp): Promise<void> {
  await new Promise<void>(resolve => {
    const watcher = watch(dataFolder(member), (_event, name) => {
      if (name === null || !pattern.test(name)) return
      watcher.close()
      resolve()
    })
  })
}

/** Cuts a file to half its length. */
export function truncateToHalf(path: string): void {
  truncateSync(path, Math.floor(statSync(path).size / 2))
}

export interface SmallDisk {
  /** Safe to call twice. */
  unmount(): void
}

/** Mounts a file system of 64 KiB at `folder`; it is gone at teardown. */
export function mountSmall(t: Teardown, folder: string): SmallDisk | Skipped {
  mkdirSync(folder, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder], { stdio: 'pipe' })
  } catch (error) {
    return { skipped: `a small file system cannot be mounted here: ${(error as Error).message.trim().split('\n').at(-1)}` }
  }
  let isMounted = true
  const unmount = (): void => {
    if (isMounted) execFileSync('umount', ['-l', folder])
    isMounted = false
  }
  t.teardown(unmount)
  return { unmount }
}

/** Writes to `folder` until nothing more fits. */
export function fill(folder: string): void {
  const page = Buffer.alloc(4096)
  for (let index = 0; ; index++) {
    try {
      writeFileSync(join(folder, `filler-${index}`), page)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return
      throw error
    }
  }
}
