/** A directory with a configuration file, for the tests of the file store. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import type { WritableStore } from '../../src/core/store.ts'
import { openFileStore } from '../../src/stores/file-store.ts'

export interface FileDir {
  readonly dir: string
  readonly path: string
  /** Opens a handle on the file, closed at teardown. */
  open(path?: string): WritableStore
}

/** @param text what the file holds; undefined when it is not there yet. */
export async function createFileDir(t: Test, text?: string, name = 'sluice.yaml'): Promise<FileDir> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-file-'))
  t.teardown(() => rm(dir, { recursive: true, force: true }))
  const path = join(dir, name)
  if (text !== undefined) await writeFile(path, text)
  return {
    dir,
    path,
    open(at = path) {
      const store = openFileStore({ path: at })
      t.teardown(() => store.close())
      return store
    }
  }
}

/** A file with one rule per id, in this order. */
export function rulesText(...ids: readonly string[]): string {
  const rules = ids.map(id => `  - id: ${id}\n    path: /${id}\n    target: http://127.0.0.1:9\n`)
  return `forward_rules:${ids.length === 0 ? ' []' : ''}\n${rules.join('')}services: []\n`
}
