/** The processes and files of a bench run, gone when it ends, however it ends. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface ChildSpec {
  readonly command: readonly string[]
  /** On top of the environment of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** The file that takes the standard output; thrown away without one. */
  readonly stdoutFile?: string
}

export class Children {
  /** A folder of this run; removed at its end. */
  readonly folder: string = mkdtempSync(join(tmpdir(), 'sluice-bench-'))
  readonly #running = new Set<ChildProcess>()

  constructor() {
    process.once('exit', () => this.#killAll())
    for (const [signal, code] of [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGHUP', 129]
    ] as const) {
      process.once(signal, () => process.exit(code))
    }
  }

  /** Starts a process. What it writes to standard error is kept for `stop` and `waitFor` to show. */
  start(spec: ChildSpec): ChildProcess {
    const [program, ...args] = spec.command
    const stdout = spec.stdoutFile === undefined ? 'ignore' : openSync(spec.stdoutFile, 'a')
    const stderr = openSync(this.#stderrFile, 'a')
    const child = spawn(program!, args, { env: { ...process.env, ...spec.env }, cwd: this.folder, stdio: ['ignore', stdout, stderr] })
    if (typeof stdout === 'number') closeSync(stdout)
    closeSync(stderr)
    this.#running.add(child)
    child.once('exit', () => this.#running.delete(child))
    child.once('error', () => this.#running.delete(child))
    return child
  }

  /** Waits until `url` answers 200. @throws {Error} when the child ends first, or after 20 s. */
  async waitFor(child: ChildProcess, url: string): Promise<void> {
    const deadline = Date.now() + 20_000
    while (!(await answers(url))) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${child.spawnargs.join(' ')} ended:\n${this.#stderr()}`)
      if (Date.now() > deadline) throw new Error(`${child.spawnargs.join(' ')} does not answer at ${url}:\n${this.#stderr()}`)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }

  /** Ends a process: politely, after 5 s by force. */
  async stop(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    const force = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await gone
    clearTimeout(force)
  }

  /** Ends all that run. */
  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map(child => this.stop(child)))
  }

  get #stderrFile(): string {
    return join(this.folder, 'stderr.log')
  }

  #stderr(): string {
    return readFileSync(this.#stderrFile, 'utf8').slice(-2_000)
  }

  // On 'exit' nothing asynchronous runs any more.
  #killAll(): void {
    for (const child of this.#running) child.kill('SIGKILL')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url)
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false
  }
}

/** A port of 127.0.0.1 that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
