/** A real name server for a test: dnsmasq on a free port of 127.0.0.1. Its names are those that it was started with last. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Teardown } from './gateway.ts'

export interface NameServer {
  /** `127.0.0.1:<port>` */
  readonly address: string
  /** Starts it again with other names: arguments such as `host-record=users.internal,127.0.0.1,1` and `srv-host=…`. */
  names(records: readonly string[]): Promise<void>
  /** Kills the server; resolves when it is gone. */
  kill(): Promise<void>
}

/** Starts a server; `t.teardown` stops it. */
export async function startNameServer(t: Teardown, records: readonly string[]): Promise<NameServer> {
  const [port, first] = await startOnFreePort(records)
  let child: ChildProcess | undefined = first
  const kill = async (): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined) return
    const exit = once(running, 'exit')
    running.kill('SIGKILL')
    await exit
  }
  const names = async (list: readonly string[]): Promise<void> => {
    await kill()
    child = await start(port, list)
  }
  t.teardown(kill)
  return { address: `127.0.0.1:${port}`, names, kill }
}

// A port that is free for UDP may be taken for TCP, which a name server needs too; and another process may be faster.
async function startOnFreePort(records: readonly string[], attempts = 5): Promise<[port: number, child: ChildProcess]> {
  const port = await freeUdpPort()
  try {
    return [port, await start(port, records)]
  } catch (error) {
    if (attempts === 1) throw error
    return startOnFreePort(records, attempts - 1)
  }
}

async function start(port: number, records: readonly string[]): Promise<ChildProcess> {
  const fixed = ['keep-in-foreground', 'conf-file=/dev/null', 'no-resolv', 'no-hosts', 'pid-file=', 'user=', 'bind-interfaces']
  const args = [...fixed, 'listen-address=127.0.0.1', `port=${port}`, 'log-facility=-', 'local=/internal/', ...records]
  const child = spawn(
    'dnsmasq',
    args.map(arg => `--${arg}`),
    { stdio: ['ignore', 'ignore', 'pipe'] }
  )
  const stop = (): void => void child.kill('SIGKILL')
  process.once('exit', stop)
  child.once('exit', () => process.off('exit', stop))
  const output: string[] = []
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`dnsmasq ended with ${code}: ${output.join('\n')}`)))
    createInterface(child.stderr).on('line', line => {
      output.push(line)
      if (line.includes('started, version')) resolve()
    })
  })
  return child
}

async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}
