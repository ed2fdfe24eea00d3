/** Runs real gateway processes for tests: `node src/cli.ts start` on free ports, stopped when the test ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { cleanEnv, nodeCommand } from './clean-env.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What tests need of a tap test. */
export type Teardown = Pick<Test, 'teardown'>

export interface GatewayProcess {
  readonly proxyUrl: string
  readonly adminUrl: string
  readonly child: ChildProcess
  /** The folder it runs in; holds `sluice.yaml` with the default store. */
  readonly folder: string
  /** Every log line so far, parsed. */
  readonly log: readonly Record<string, unknown>[]
  /** Resolves with the first log line, past or to come, for which `test` holds. */
  logged(test: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  /** Calls the admin API. `body` is sent as JSON; the answer's body is parsed when it is JSON. */
  admin<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>
  ): Promise<AdminAnswer<T>>
  /** Ends the process with `signal` and resolves with its exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

export interface AdminAnswer<T> {
  readonly status: number
  readonly headers: Headers
  readonly body: T
}

/** A folder that is gone when the test ends. */
export function tempFolder(t: Teardown): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface SpawnOptions {
  /** Put before its own. */
  readonly nodeArgs?: readonly string[]
  /** Is given the process as soon as there is one. */
  readonly onSpawn?: (child: ChildProcess) => void
}

/** Starts a gateway and waits until it says where it listens. */
export async function startGateway(
  t: Teardown,
  env: Record<string, string> = {},
  folder = tempFolder(t),
  { nodeArgs = [], onSpawn }: SpawnOptions = {}
): Promise<GatewayProcess> {
  const child = spawnGateway(env, folder, ['start'], nodeArgs)
  onSpawn?.(child)
  t.teardown(() => end(child, 'SIGKILL'))
  const log: Record<string, unknown>[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout! }).on('line', text => {
    log.push(JSON.parse(text))
    for (const check of waiting) check()
  })
  const logged: GatewayProcess['logged'] = test =>
    new Promise(resolve => {
      const check = (): void => {
        const line = log.find(test)
        if (line === undefined) return
        waiting.delete(check)
        resolve(line)
      }
      waiting.add(check)
      check()
    })
  const errors = collect(child.stderr!)
  const exited = once(child, 'exit').then(([code]) => {
    throw new Error(`the gateway ended with ${code}: ${errors()}`)
  })
  const ready = await Promise.race([logged(line => line.proxy !== undefined), exited])
  exited.catch(() => undefined)
  const proxyUrl = String(ready.proxy).replace('0.0.0.0', '127.0.0.1')
  const adminUrl = String(ready.admin)
  const admin: GatewayProcess['admin'] = (method, path, body, headers) => call(adminUrl, method, path, body, headers)
  return { proxyUrl, adminUrl, child, folder, log, logged, admin, stop: signal => end(child, signal ?? 'SIGTERM') }
}

/** Runs the command until it ends; for starts that are refused. */
export async function runGateway(
  env: Record<string, string>,
  folder: string,
  args: readonly string[] = ['start']
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawnGateway(env, folder, args)
  const stdout = collect(child.stdout!)
  const stderr = collect(child.stderr!)
  const [code] = await once(child, 'close')
  return { code, stdout: stdout(), stderr: stderr() }
}

function spawnGateway(
  env: Record<string, string>,
  folder: string,
  args: readonly string[],
  nodeArgs: readonly string[] = []
): ChildProcess {
  // Tests ask as often as they like, unless they are about that.
  const own = { SLUICE_PORT: '0', SLUICE_ADMIN_PORT: '0', SLUICE_ADMIN_RATE_LIMIT: '0' }
  return spawn(...nodeCommand(['--no-warnings', ...nodeArgs, join(root, 'src/cli.ts'), ...args]), {
    cwd: folder,
    env: { ...cleanEnv(), ...own, ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', chunk => {
    text += chunk
  })
  return () => text
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const exit = once(child, 'exit')
  child.kill(signal)
  const [code] = await exit
  return code
}

async function call<T>(
  base: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {}
): Promise<AdminAnswer<T>> {
  const init: RequestInit = { method, headers: body === undefined ? headers : { 'content-type': 'application/json', ...headers } }
  if (body !== undefined) init.body = typeof body === 'string' ? body : JSON.stringify(body)
  const response = await fetch(base + path, init)
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('content-type') ?? '')
  return { status: response.status, headers: response.headers, body: (isJson ? JSON.parse(text) : text) as T }
}
