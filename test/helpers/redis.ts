/** A real redis-server for a test: on a free port of 127.0.0.1, with its data in a directory of its own, gone at teardown. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'

export interface RedisServer {
  readonly port: number
  /** `redis://127.0.0.1:<port>`, with the password when there is one. */
  readonly url: string
  /** Kills the server (SIGKILL); resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again on the same port after `kill`. Its data are still there, unless `wipe`. */
  restart(options?: { readonly wipe?: boolean }): Promise<void>
  /** Stops it from answering (SIGSTOP) without closing a connection. */
  pause(): void
  resume(): void
}

export interface RedisServerOptions {
  readonly password?: string
}

/** Starts a server; `t.teardown` stops it. Rejects with its output when it does not start. */
export async function startRedis(t: Pick<Test, 'teardown'>, { password }: RedisServerOptions = {}): Promise<RedisServer> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-redis-'))
  let child: ChildProcess | undefined
  const kill = async (): Promise<void> => {
    const running = child
    child = undefined
    if (running !== undefined) await killed(running)
  }
  t.teardown(async () => {
    await kill()
    await rm(dir, { recursive: true, force: true })
  })
  const [port, first] = await startOnFreePort(dir, password)
  child = first
  return {
    port,
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    kill,
    async restart({ wipe = false } = {}) {
      await kill()
      if (wipe) await rm(join(dir, 'appendonlydir'), { recursive: true, force: true })
      child = await start(dir, port, password)
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT')
  }
}

// Another process may take the free port before the server does.
async function startOnFreePort(dir: string, password: string | undefined, attempts = 5): Promise<[port: number, child: ChildProcess]> {
  const port = await freePort()
  try {
    return [port, await start(dir, port, password)]
  } catch (error) {
    if (attempts === 1) throw error
    return startOnFreePort(dir, password, attempts - 1)
  }
}

async function start(dir: string, port: number, password: string | undefined): Promise<ChildProcess> {
  // The log file is written before each answer: what was answered survives a SIGKILL without the cost of an fsync.
  const settings = { bind: '127.0.0.1', port, dir, save: '', appendonly: 'yes', appendfsync: 'no', requirepass: password ?? '' }
  const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = (): void => void child.kill('SIGKILL')
  process.once('exit', stop)
  child.once('exit', () => process.off('exit', stop))
  const output: string[] = []
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`redis-server ended with ${code}:\n${output.join('\n')}`)))
    createInterface(child.stdout).on('line', line => {
      output.push(line)
      if (line.includes('Ready to accept connections')) resolve()
    })
  })
  return child
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
