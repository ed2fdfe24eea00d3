/** A port on which connections are neither taken nor refused, as behind a firewall that drops. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Teardown } from './gateway.ts'

const script =
  "const s = require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => console.log(s.address().port))"

/**
 * Starts a listener in a process of its own, stops that process, and fills its queue: Linux then drops the SYN of every connection that
 * follows. Resolves with the port.
 */
export async function startSilentListener(t: Teardown): Promise<number> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = await once(child.stdout, 'data')
  const port = Number(String(line))
  child.kill('SIGSTOP')
  const sockets: Socket[] = []
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
  })
  // The queue holds one more than its length.
  for (let index = 0; index < 2; index++) {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => undefined)
    sockets.push(socket)
    await once(socket, 'connect')
  }
  return port
}
