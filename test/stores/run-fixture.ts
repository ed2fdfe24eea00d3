import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const fixture = fileURLToPath(new URL('./fixtures/commit-rules.ts', import.meta.url))

/**
 * Commits `count` rules to the store in a process of its own. Resolves to what it printed once it has ended by itself, within 20 seconds.
 * @param before shell commands to run first, in the same process: limits that Node then lives with
 */
export async function commitInProcess(url: string, prefix: string, count: number, before = ':'): Promise<string> {
  // tap puts a loader into every child, which writes files of its own: it would run into the limits.
  const script = `unset NODE_OPTIONS; ${before}; exec "$0" "$@"`
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script, process.execPath, fixture, url, prefix, String(count)], {
    timeout: 20_000
  })
  return stdout.trim()
}
