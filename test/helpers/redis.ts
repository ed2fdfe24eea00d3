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
  /** The server is a replica of this one, on 127.0.0.1. */
  readonly replicaOf?: number
  /** The server is a whole cluster: the one node that serves every slot. */
  readonly cluster?: boolean
}

/** Starts a server; `t.teardown` stops it. Rejects with its output when it does not start. */
export async function startRedis(t: Pick<Test, 'teardown'>, options: RedisServerOptions = {}): Promise<RedisServer> {
  const { password } = options
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
  const [port, first] = await startOnFreePort(dir, options)
  child = first
  return {
    port,
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    kill,
    async restart({ wipe = false } = {}) {
      await kill()
      if (wipe) await rm(join(dir, 'appendonlydir'), { recursive: true, force: true })
      child = await start(dir, port, options)
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT')
  }
}

// Another process may take the free port before the server does.
async function startOnFreePort(dir: string, options: RedisServerOptions, attempts = 5): Promise<[port: number, child: ChildProcess]> {
  const port = await freePort()
  try {
    return [port, await start(dir, port, options)]
  } catch (error) {
    if (attempts === 1) throw error
    return startOnFreePort(dir, options, attempts - 1)
  }
}

async function start(dir: string, port: number, { password = '', replicaOf, cluster }: RedisServerOptions): Promise<ChildProcess> {
  const args = flags({
    bind: '127.0.0.1',
    port,
    dir,
    save: '',
    // The log file is written before each answer: what was answered survives a SIGKILL without the cost of an fsync.
    appendonly: 'yes',
    appendfsync: 'no',
    requirepass: password,
    masterauth: password,
    'repl-diskless-sync-delay': 0,
    ...(cluster ? { 'cluster-enabled': 'yes', 'cluster-port': await freePort() } : {})
  })
  return launch(replicaOf === undefined ? args : [...args, '--replicaof', '127.0.0.1', String(replicaOf)], 'Ready to accept connections')
}

/** Settings as flags of redis-server. */
export function flags(settings: Readonly<Record<string, string | number>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)])
}

/** Starts `redis-server` and waits until it prints `ready`. Rejects with its output when it ends before. */
export async function launch(args: readonly string[], ready: string): Promise<ChildProcess> {
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
      if (line.includes(ready)) resolve()
    })
  })
  return child
}

/** Kills it, and resolves when it is gone. */
export async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGKILL')
  await exited
}

/** A port that nothing listened on a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
