import { type FSWatcher, watch } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Several events come with one save. */
const debounceMs = 30
/** A directory in which something always happens must not keep a change waiting. */
const patienceMs = 250
/** Some file systems tell nothing (network, some mounts), and a watched directory may be replaced. */
const pollMs = 1_000

/** Calls `onChange` after something happened to the file, or may have; until it is closed. */
export interface FileWatch {
  /** Resolves when the directories are watched as far as they are there. */
  readonly ready: Promise<void>
  close(): void
}

/**
 * Watches the directory of `path`, not the file: a watched file is lost with the first rename over it. Where the file is a symbolic
 * link, the directory of what it leads to is watched too.
 */
export function watchFile(path: string, onChange: () => void): FileWatch {
  const watchers = new Map<string, FSWatcher>()
  let pending: { readonly since: number; readonly timer: NodeJS.Timeout } | undefined
  let seen = ''
  let closed = false

  function soon(): void {
    if (closed) return
    const since = pending?.since ?? performance.now()
    clearTimeout(pending?.timer)
    const wait = Math.max(0, Math.min(debounceMs, since + patienceMs - performance.now()))
    pending = { since, timer: setTimeout(changed, wait) }
  }

  function changed(): void {
    pending = undefined
    void follow()
    onChange()
  }

  /** Watches the directories that matter now, and no others. */
  async function follow(): Promise<void> {
    const wanted = new Map<string, string>()
    for (const directory of [dirname(path), dirname(await realpath(path).catch(() => path))]) {
      // The same name may be another directory by now.
      wanted.set(`${await identity(directory)} ${directory}`, directory)
    }
    if (closed) return
    for (const [key, watcher] of watchers) if (!wanted.has(key)) forget(key, watcher)
    for (const [key, directory] of wanted) if (!watchers.has(key)) begin(key, directory)
  }

  function begin(key: string, directory: string): void {
    try {
      const watcher = watch(directory, soon)
      watchers.set(key, watcher)
      watcher.on('error', () => forget(key, watcher))
    } catch {
      // Not there, or no watches left: the poll finds changes until it works.
    }
  }

  function forget(key: string, watcher: FSWatcher): void {
    watchers.delete(key)
    watcher.close()
  }

  async function poll(): Promise<void> {
    await follow()
    const now = await identity(path)
    if (now === seen || closed) return
    seen = now
    soon()
  }

  const timer = setInterval(() => void poll(), pollMs)
  async function begun(): Promise<void> {
    seen = await identity(path)
    await follow()
  }

  return {
    ready: begun(),
    close() {
      closed = true
      clearInterval(timer)
      clearTimeout(pending?.timer)
      for (const [key, watcher] of watchers) forget(key, watcher)
    }
  }
}

/** Differs whenever the file or directory is another one, or was written; '' when it is not there. */
async function identity(path: string): Promise<string> {
  try {
    const found = await stat(path, { bigint: true })
    const { dev, ino, size, mtimeNs } = found
    return found.isDirectory() ? `${dev}:${ino}` : `${dev}:${ino}:${size}:${mtimeNs}`
  } catch {
    return ''
  }
}
