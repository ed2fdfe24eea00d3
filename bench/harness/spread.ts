/** How a write spreads: through one instance, followed through another. */
import { HotConnection, requestOf } from './hot-connection.ts'

/** A running instance, with the connections that are kept to it. */
export interface Instance {
  readonly admin: HotConnection
  readonly proxy: HotConnection
}

export async function openInstance(proxyPort: number, adminPort: number): Promise<Instance> {
  return { admin: await HotConnection.open(adminPort), proxy: await HotConnection.open(proxyPort) }
}

/** Times of one write, in milliseconds from when its request was sent. */
export interface Sample {
  /** Until it was answered. */
  readonly answeredMs: number
  /** Until a request through the other instance, sent over and over, had come back with what was written. */
  readonly visibleMs: number
  /** When the write was sent, in milliseconds since the epoch. */
  readonly sentAt: number
  /** The instance that was asked. */
  readonly reader: number
}

const giveUpMs = 5_000
const ask = requestOf('GET', '/')

/** Writes `version` through `instances[writer]` and asks `instances[reader]` until it follows. Undefined when it does not within 5 s. */
export async function spread(instances: readonly Instance[], writer: number, reader: number, version: number): Promise<Sample | undefined> {
  const sentAt = Date.now()
  const begin = performance.now()
  const write = instances[writer]!.admin.send(requestOf('PUT', '/forward-rules/bench', { path: '/', respond: { body: String(version) } }))
  const answered = write.then(({ status, body }) => {
    if (status >= 300) throw new Error(`a write was answered ${status}: ${body}`)
    return performance.now() - begin
  })
  const [visibleMs, answeredMs] = await Promise.all([follow(instances[reader]!, version, begin), answered])
  return visibleMs === undefined ? undefined : { answeredMs, visibleMs, sentAt, reader }
}

async function follow({ proxy }: Instance, version: number, begin: number): Promise<number | undefined> {
  while (performance.now() - begin < giveUpMs) {
    const { body } = await proxy.send(ask)
    if (Number(body) >= version) return performance.now() - begin
  }
  return undefined
}
