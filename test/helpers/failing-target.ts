/** A target that can be told to fail, to be slow, to hang, to be killed and to come back on its port. */
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Teardown } from './gateway.ts'
import { reset } from './reset.ts'

/** What it does with a request: answers with a status, or never. */
export type Behaviour = number | 'hang'

export class FailingTarget {
  /** For what is not asked of `/health`. */
  behaviour: Behaviour = 200
  /** For `/health`. */
  health: Behaviour = 200
  /** How long it thinks before it answers, in milliseconds. */
  delayMs = 0
  /** Requests so far, those for `/health` not counted. */
  requests = 0
  /** Requests for `/health` so far. */
  probes = 0
  /** How many requests for `/health` were under way at once, at most. */
  mostProbes = 0
  #probesUnderWay = 0
  readonly #name: string
  readonly #events = new EventEmitter()
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined
  #port = 0

  constructor(name: string) {
    this.#name = name
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** Listens: at first on a free port, later on the same one. */
  async start(): Promise<this> {
    const server = createServer(this.#handle)
    server.on('connection', socket => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
    server.listen(this.#port, '127.0.0.1')
    await once(server, 'listening')
    this.#server = server
    this.#port = (server.address() as AddressInfo).port
    return this
  }

  /** Stops to listen and resets what is open, as a process that is killed. */
  async kill(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    for (const socket of this.#sockets) reset(socket)
    server.close()
    await once(server, 'close')
  }

  /** Resolves when the next request for `/health` has come. */
  async nextProbe(): Promise<IncomingMessage> {
    return (await once(this.#events, 'probe'))[0]
  }

  readonly #handle: RequestListener = (request, response) => {
    if (!request.url!.startsWith('/health')) {
      this.requests++
      return this.#behave(response, this.behaviour)
    }
    this.probes++
    this.#probesUnderWay++
    this.mostProbes = Math.max(this.mostProbes, this.#probesUnderWay)
    response.on('close', () => this.#probesUnderWay--)
    this.#events.emit('probe', request)
    this.#behave(response, this.health)
  }

  #behave(response: ServerResponse, behaviour: Behaviour): void {
    if (behaviour === 'hang') return
    const answer = () => response.writeHead(behaviour).end(this.#name)
    if (this.delayMs === 0) answer()
    else setTimeout(answer, this.delayMs)
  }
}

/** So many targets, named `a`, `b`, `c` …, killed when the test ends. */
export async function startFailingTargets(t: Teardown, count: number): Promise<FailingTarget[]> {
  const targets = await Promise.all(Array.from({ length: count }, (_, index) => new FailingTarget('abcdefgh'[index]!).start()))
  t.teardown(() => Promise.all(targets.map(target => target.kill())))
  return targets
}
