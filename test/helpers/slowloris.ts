/** Many clients that never come to the end of their header section (the attack "slowloris"). */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Teardown } from './gateway.ts'

export interface Slowloris {
  /** How many are connected. */
  readonly open: number
  /** Resolves when all were cut, with how long each was there, in milliseconds. */
  readonly cut: Promise<readonly number[]>
}

const every = 250

/** Connects `count` clients, each of which sends one more header field four times a second. Resolves when all are connected. */
export async function startSlowloris(t: Teardown, port: number, count: number): Promise<Slowloris> {
  const sockets = new Set<Socket>()
  const timer = setInterval(() => {
    for (const socket of sockets) socket.write('X-Slow: 1\r\n')
  }, every)
  t.teardown(() => {
    clearInterval(timer)
    for (const socket of sockets) socket.destroy()
  })
  const lives: Promise<number>[] = []
  const one = async (): Promise<void> => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.on('error', () => undefined).resume()
    await once(socket, 'connect')
    const startedMs = performance.now()
    sockets.add(socket)
    socket.write('GET / HTTP/1.1\r\nHost: slow.example\r\n')
    const life = once(socket, 'close').then(() => {
      sockets.delete(socket)
      return performance.now() - startedMs
    })
    lives.push(life)
  }
  // Fifty at a time: no more wait to be accepted than every system takes.
  for (let left = count; left > 0; left -= 50) await Promise.all(Array.from({ length: Math.min(50, left) }, one))
  return {
    get open() {
      return sockets.size
    },
    cut: Promise.all(lives)
  }
}
