/** A target whose latency grows with the load: so many workers, each busy for a while with one request, and a queue before them. */
import type { ServerResponse } from 'node:http'
import type { Teardown } from './gateway.ts'
import { startTarget } from './target.ts'

export interface QueueTarget {
  readonly url: string
  /** How long a worker is busy with a request, in milliseconds. */
  serviceMs: number
  /** Requests that wait or are worked on. */
  readonly inside: number
}

export async function startQueueTarget(t: Teardown, workers: number, serviceMs: number): Promise<QueueTarget> {
  const waiting: ServerResponse[] = []
  let busy = 0
  const work = (): void => {
    while (busy < workers && waiting.length > 0) {
      const response = waiting.shift()!
      busy++
      setTimeout(() => {
        response.end('done')
        busy--
        work()
      }, queue.serviceMs)
    }
  }
  const { url } = await startTarget(t, (_request, response) => {
    waiting.push(response)
    work()
  })
  const queue = {
    url,
    serviceMs,
    get inside() {
      return busy + waiting.length
    }
  }
  return queue
}
