/** The process behind `queue-target.ts`: so many workers, each busy for a while with one request, and a queue before them. Told by messages. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface QueueShape {
  readonly workers: number
  /** How long a worker is busy with a request, in milliseconds. */
  readonly serviceMs: number
}

let shape: QueueShape = { workers: 1, serviceMs: 0 }
const waiting: ServerResponse[] = []
let busy = 0

function work(): void {
  while (busy < shape.workers && waiting.length > 0) {
    const response = waiting.shift()!
    // Its client has left, and costs no worker.
    if (response.destroyed) continue
    busy++
    setTimeout(() => {
      response.end('done')
      busy--
      work()
    }, shape.serviceMs)
  }
}

const server = createServer((_request, response) => {
  waiting.push(response)
  work()
})
server.listen(0, '127.0.0.1', () => process.send!({ port: (server.address() as AddressInfo).port }))
process.on('message', (change: Partial<QueueShape>) => {
  shape = { ...shape, ...change }
  work()
  process.send!({ isTold: true })
})
process.on('disconnect', () => process.exit())
