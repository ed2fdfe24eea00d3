/** The version of this package, as `package.json` says it. */
import { readFileSync } from 'node:fs'

export const version: string = readVersion()

// The sources stand one level below package.json, the compiled files (dist/src) two.
function readVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const found = JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8')) as { name?: string; version?: string }
      if (found.name === 'sluice' && found.version !== undefined) return found.version
    } catch {
      // not there: the next one
    }
  }
  return '0.0.0'
}
