import { open, readFile, stat, unlink } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'

/** How long a writer waits for another one, in milliseconds. Less than the second that a commit may take. */
const patienceMs = 700
const retryMs = 10
/** A lock is held for milliseconds: one of this age was left behind by a process of another machine. */
const staleMs = 10_000

/**
 * Runs `task` while no other gateway process does so for the same `lockPath`: the file is there for that time. Only those who use
 * the lock are kept out; an editor is not. Rejects as `task`, or when the lock cannot be made or got.
 */
export async function withFileLock<T>(lockPath: string, task: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs
  while (!(await acquire(lockPath))) {
    if (await isStale(lockPath)) await unlink(lockPath).catch(() => {})
    else if (performance.now() > deadline) throw new Error('another process is writing the file')
    else await delay(retryMs)
  }
  try {
    return await task()
  } finally {
    await unlink(lockPath).catch(() => {})
  }
}

async function acquire(lockPath: string): Promise<boolean> {
  try {
    await using file = await open(lockPath, 'wx', 0o644)
    await file.writeFile(`${process.pid} ${hostname()}\n`)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Whether its owner is gone. A lock without text yet is as old as its file. */
async function isStale(lockPath: string): Promise<boolean> {
  try {
    const [{ mtimeMs }, text] = await Promise.all([stat(lockPath), readFile(lockPath, 'utf8')])
    const [pid, host] = text.trim().split(' ')
    if (host === hostname() && !isAlive(Number(pid))) return true
    return Date.now() - mtimeMs > staleMs
  } catch {
    return false
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
