/** Other proxies, as an operator would set them up to forward everything to one target. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export interface Peer {
  readonly name: string
  readonly command: string
  readonly args: (config: string) => readonly string[]
  /** In `peers/`. */
  readonly config: string
  /** What says its version, and where in what it says. */
  readonly version: readonly [args: readonly string[], pattern: RegExp]
}

export const peers: readonly Peer[] = [
  { name: 'nginx', command: 'nginx', args: config => ['-c', config], config: 'nginx.conf', version: [['-v'], /nginx\/([\d.]+)/] },
  {
    name: 'HAProxy',
    command: 'haproxy',
    args: config => ['-q', '-f', config],
    config: 'haproxy.cfg',
    version: [['-v'], /version ([\d.]+)/]
  },
  {
    name: 'Caddy',
    command: 'caddy',
    args: config => ['run', '--adapter', 'caddyfile', '--config', config],
    config: 'Caddyfile',
    version: [['version'], /v?(\d[\d.]+)/]
  }
]

export interface RunningPeer {
  readonly port: number
  readonly child: ChildProcess
  stop(): Promise<void>
}

/** Its version, or undefined when it is not installed. */
export function versionOf({ command, version: [args, pattern] }: Peer): string | undefined {
  try {
    // nginx says it on stderr.
    const text = execFileSync('sh', ['-c', `${command} ${args.join(' ')} 2>&1`], { encoding: 'utf8' })
    return pattern.exec(text)?.[1]
  } catch {
    return undefined
  }
}

/** Starts it on a free port of 127.0.0.1, in front of `targetPort`. Resolves when it takes connections. */
export async function startPeer(peer: Peer, targetPort: number): Promise<RunningPeer> {
  const folder = mkdtempSync(join(tmpdir(), 'wire-'))
  const port = await freePort()
  const template = readFileSync(fileURLToPath(new URL(`peers/${peer.config}`, import.meta.url)), 'utf8')
  const config = join(folder, peer.config)
  const values: Record<string, string> = { port: String(port), target: String(targetPort), folder }
  writeFileSync(
    config,
    template.replace(/@(\w+)@/g, (_, name: string) => values[name]!)
  )
  const child = spawn(peer.command, [...peer.args(config)], { cwd: folder, stdio: 'ignore', env: { ...process.env, HOME: folder } })
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM')
      await once(child, 'exit')
    }
    rmSync(folder, { recursive: true, force: true })
  }
  while (!(await takesConnections(port))) {
    if (child.exitCode !== null) throw new Error(`${peer.name} ended with ${child.exitCode}`)
  }
  return { port, child, stop }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function takesConnections(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const taken = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'close').then(() => false)]).catch(() => false)
  socket.destroy()
  if (!taken) await new Promise(resolve => setTimeout(resolve, 20))
  return taken
}
