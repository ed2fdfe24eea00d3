import { randomUUID } from 'node:crypto'
import { constants, copyFile, link, lstat, mkdir, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Makes the file with `text` when nothing is at `path`, its directory too. Of two processes one makes it. */
export async function createIfAbsent(path: string, text: string): Promise<void> {
  if (await exists(path)) return
  await mkdir(dirname(path), { recursive: true })
  const temporary = temporaryPath(path)
  try {
    await writeDurably(temporary, text, 0o644)
    // Unlike a rename, a link never takes the place of a file that came in between; unlike a plain write it is never seen half done.
    await link(temporary, path)
      .catch(error => (error.code === 'EEXIST' ? undefined : copyFile(temporary, path, constants.COPYFILE_EXCL)))
      .catch(error => (error.code === 'EEXIST' ? undefined : Promise.reject(error)))
    await syncDirectory(dirname(path))
  } finally {
    await unlink(temporary).catch(() => {})
  }
}

/**
 * Replaces the text of the file, through symbolic links, by writing beside it and renaming: nobody ever sees a half, and after a
 * crash it is the old text or the new one. Mode and owner stay.
 * @returns false when the file no longer holds `expected`; then nothing has changed. Rejects when it cannot be written; the same.
 */
export async function replaceFile(path: string, expected: string, text: string): Promise<boolean> {
  const real = await realpath(path)
  const temporary = temporaryPath(real)
  try {
    const { mode, uid, gid } = await stat(real)
    await writeDurably(temporary, text, mode & 0o7777, { uid, gid })
    // Who edits by hand takes no lock: this leaves them the time of one rename to be overwritten.
    if ((await readFile(real, 'utf8')) !== expected) return false
    await rename(temporary, real)
  } finally {
    await unlink(temporary).catch(() => {})
  }
  await syncDirectory(dirname(real))
  return true
}

/** Hidden, beside the file and so on the same file system. What a crash leaves behind is never read. */
function temporaryPath(path: string): string {
  return join(dirname(path), `.${basename(path)}.${process.pid}.${randomUUID().slice(0, 8)}.tmp`)
}

async function writeDurably(path: string, text: string, mode: number, owner?: { uid: number; gid: number }): Promise<void> {
  await using file = await open(path, 'wx', mode)
  // The mode of open() is cut by the umask; the owner is kept where that is allowed.
  await file.chmod(mode)
  if (owner !== undefined) await file.chown(owner.uid, owner.gid).catch(() => {})
  await file.writeFile(text)
  await file.sync()
}

// Makes the rename itself durable. Some file systems cannot sync a directory: then it is as durable as they make it.
async function syncDirectory(path: string): Promise<void> {
  try {
    await using directory = await open(path, 'r')
    await directory.sync()
  } catch {
    // See above.
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}
