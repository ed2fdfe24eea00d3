/** A real etcd for a test: on free ports of 127.0.0.1, with its data in a directory of its own, gone at teardown. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { freePort, killed } from './redis.ts'

export interface EtcdServer {
  readonly port: number
  /** `127.0.0.1:<port>` */
  readonly host: string
  /** As `etcdctl put`. */
  put(key: string, value: string): Promise<void>
  /** As `etcdctl del`; with a slash at the end, everything below. */
  del(key: string): Promise<void>
  /** As `etcdctl get --print-value-only`; '' when it is not there. */
  get(key: string): Promise<string>
  /** Every key that begins so, in their order. */
  keys(prefix: string): Promise<string[]>
  /** Any call of the JSON gateway. Rejects when it is not answered with 200. */
  call(path: string, body: object): Promise<unknown>
  /** Kills the server (SIGKILL); resolves when it is gone. */
  kill(): Promise<void>
  /** Starts it again on the same port after `kill`. Its data are still there, unless `wipe`. */
  restart(options?: { readonly wipe?: boolean }): Promise<void>
  /** Stops it from answering (SIGSTOP) without closing a connection. */
  pause(): void
  resume(): void
}

/** Starts a server; `t.teardown` stops it. Rejects with its output when it does not start. */
export async function startEtcd(t: Pick<Test, 'teardown'>): Promise<EtcdServer> {
  const dir = await mkdtemp(join(tmpdir(), 'sluice-etcd-'))
  const [port, peerPort] = [await freePort(), await freePort()]
  let child: ChildProcess | undefined = await start(dir, port, peerPort)
  const kill = async (): Promise<void> => {
    const running = child
    child = undefined
    if (running !== undefined) await killed(running)
  }
  t.teardown(async () => {
    await kill()
    await rm(dir, { recursive: true, force: true })
  })
  const host = `127.0.0.1:${port}`
  const call = async (path: string, body: object): Promise<unknown> => {
    const response = await fetch(`http://${host}${path}`, { method: 'POST', body: JSON.stringify(body) })
    if (!response.ok) throw new Error(await response.text())
    return response.json()
  }
  return {
    port,
    host,
    put: async (key, value) => void (await call('/v3/kv/put', { key: base64(key), value: base64(value) })),
    del: async key => void (await call('/v3/kv/deleterange', key.endsWith('/') ? range(key) : { key: base64(key) })),
    get: async key => entries(await call('/v3/kv/range', { key: base64(key) })).map(({ value }) => value)[0] ?? '',
    keys: async prefix => entries(await call('/v3/kv/range', { ...range(prefix), keys_only: true })).map(({ key }) => key),
    call,
    kill,
    async restart({ wipe = false } = {}) {
      await kill()
      if (wipe) await rm(dir, { recursive: true, force: true })
      child = await start(dir, port, peerPort)
    },
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT')
  }
}

async function start(dir: string, port: number, peerPort: number): Promise<ChildProcess> {
  const [client, peer] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${peerPort}`]
  const settings = {
    'data-dir': dir,
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `default=${peer}`,
    // It elects itself at the start, and that takes so long.
    'heartbeat-interval': '20',
    'election-timeout': '200'
  }
  // No fsync: what was answered survives a SIGKILL all the same.
  const args = [...Object.entries(settings).map(([name, value]) => `--${name}=${value}`), '--unsafe-no-fsync']
  const child = spawn('etcd', args, { stdio: ['ignore', 'ignore', 'pipe'] })
  const stop = (): void => void child.kill('SIGKILL')
  process.once('exit', stop)
  child.once('exit', () => process.off('exit', stop))
  const output: string[] = []
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`etcd ended with ${code}:\n${output.join('\n')}`)))
    createInterface(child.stderr).on('line', line => {
      output.push(line)
      if (/serving (insecure )?client (requests|traffic)/.test(line)) resolve()
    })
  })
  return child
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64')
}

function range(prefix: string): object {
  return { key: base64(prefix), range_end: base64(`${prefix}\uffff`) }
}

function entries(answer: unknown): { key: string; value: string }[] {
  const { kvs = [] } = answer as { kvs?: { key: string; value?: string }[] }
  const text = (encoded = ''): string => Buffer.from(encoded, 'base64').toString()
  return kvs.map(({ key, value }) => ({ key: text(key), value: text(value) }))
}
