/** The programs that the bench needs and does not bring. */
import { accessSync, constants } from 'node:fs'
import { availableParallelism } from 'node:os'
import { delimiter, join } from 'node:path'

/** Program to the Debian package that holds it. */
const packages = { wrk: 'wrk', nginx: 'nginx-light', taskset: 'util-linux' } as const

export type Tool = keyof typeof packages

/** Where each tool is. @throws {Error} with one line that says what to install. */
export function findTools(path: string = process.env.PATH ?? ''): Readonly<Record<Tool, string>> {
  // Debian keeps nginx in /usr/sbin, which is not on every user's PATH.
  const folders = [...path.split(delimiter), '/usr/sbin', '/sbin'].filter(folder => folder !== '')
  const found = Object.fromEntries(Object.keys(packages).map(tool => [tool, find(tool, folders)])) as Record<Tool, string | undefined>
  const missing = (Object.keys(packages) as Tool[]).filter(tool => found[tool] === undefined)
  if (missing.length > 0) {
    throw new Error(`needs ${missing.join(', ')}: apt-get install -y ${missing.map(tool => packages[tool]).join(' ')}`)
  }
  return found as Record<Tool, string>
}

function find(tool: string, folders: readonly string[]): string | undefined {
  return folders.map(folder => join(folder, tool)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** @throws {Error} on a machine with one core: proxy and load would share it, and the figures would mean nothing. */
export function assertTwoCores(): void {
  if (availableParallelism() < 2) throw new Error('needs two cores: one for the proxy, one for load and target')
}
