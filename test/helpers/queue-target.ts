/** A target in a process of its own, whose latency grows with the load: a queue before some workers. For tests and benchmarks. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { cleanEnv, nodeCommand } from './clean-env.ts'
import type { Teardown } from './gateway.ts'
import type { QueueShape } from './queue-server.ts'

export interface QueueTarget {
  readonly url: string
  /** Changes the workers, or how long each is busy; resolves once it holds for requests whose turn comes from now on. */
  change(shape: Partial<QueueShape>): Promise<void>
}

const file = fileURLToPath(new URL('queue-server.ts', import.meta.url))

export async function startQueueTarget(t: Teardown, shape: QueueShape): Promise<QueueTarget> {
  const child = spawn(...nodeCommand([file]), { env: cleanEnv(), stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const exited = once(child, 'exit')
  t.teardown(async () => {
    child.kill()
    await exited
  })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  const change = async (change: Partial<QueueShape>): Promise<void> => {
    const told = once(child, 'message')
    child.send(change)
    await told
  }
  await change(shape)
  return { url: `http://127.0.0.1:${port}`, change }
}
