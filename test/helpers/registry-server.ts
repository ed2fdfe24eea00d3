/**
 * Consul and Nacos for tests, as their HTTP documentation has them:
 * https://developer.hashicorp.com/consul/api-docs/health#list-service-instances-for-service, …/api-docs/features/blocking,
 * https://nacos.io/en/docs/v1/open-api/#query-instances-list, https://nacos.io/en/docs/v1/auth/
 */
import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Teardown } from './gateway.ts'

export interface RegisteredInstance {
  readonly port: number
  readonly weight?: number
  readonly tags?: readonly string[]
  /** Consul: only the node has an address. */
  readonly onlyNode?: boolean
}

export interface RegistryServer {
  readonly address: string
  /** Every request so far: method and URL. */
  readonly seen: readonly string[]
  register(...instances: readonly RegisteredInstance[]): void
  /** As after a restore of Consul: the next answers have a smaller index. */
  resetIndex(): void
  /** Consul: what may be stale is what there is now, this long behind, whatever is registered from now on; undefined: no server has a leader. */
  lagBehind(ms: number | undefined): void
  /** Resolves with the next request: method and URL. */
  asked(): Promise<string>
  /** Stops to listen and resets what is open. */
  kill(): Promise<void>
  /** Listens again on the same port. */
  restart(): Promise<void>
}

type Answer = (request: IncomingMessage, response: ServerResponse, url: URL, state: State) => Promise<void>

class State extends EventEmitter {
  index = 10
  instances: readonly RegisteredInstance[] = []
  lag: { readonly ms: number | undefined; readonly instances: readonly RegisteredInstance[] } | undefined
}

/** @param token what `X-Consul-Token` must hold */
export function startConsul(t: Teardown, token?: string): Promise<RegistryServer> {
  return start(t, async (request, response, url, state) => {
    if (url.pathname !== '/v1/health/service/users') return void response.writeHead(404).end()
    if (token !== undefined && request.headers['x-consul-token'] !== token) return void response.writeHead(403).end('Permission denied')
    const [asked, waitS] = [Number(url.searchParams.get('index') ?? 0), Number.parseInt(url.searchParams.get('wait') ?? '300', 10)]
    if (asked > 0 && asked === state.index)
      await once(state, 'change', { signal: AbortSignal.timeout(waitS * 1_000) }).catch(() => undefined)
    const tags = url.searchParams.getAll('tag')
    const lag = url.searchParams.has('stale') ? state.lag : undefined
    const entries = (lag ?? state).instances
      .filter(({ tags: own = [] }) => tags.every(tag => own.includes(tag)))
      .map(({ port, weight = 1, tags: own = [], onlyNode = false }) => ({
        Node: { Node: 'node-1', Address: '127.0.0.1' },
        Service: {
          Service: 'users',
          Address: onlyNode ? '' : '127.0.0.1',
          Port: port,
          Tags: own,
          Weights: { Passing: weight, Warning: 1 }
        },
        Checks: [{ Status: 'passing' }]
      }))
    response.setHeader('X-Consul-Index', state.index)
    response.setHeader('X-Consul-KnownLeader', String(lag === undefined || lag.ms !== undefined))
    response.setHeader('X-Consul-LastContact', lag?.ms ?? 0)
    sendJson(response, entries)
  })
}

/** @param login `[username, password]` that must have logged in */
export function startNacos(t: Teardown, login?: readonly [string, string]): Promise<RegistryServer> {
  return start(t, async (request, response, url, state) => {
    if (url.pathname === '/nacos/v1/auth/login') {
      const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString())
      if (form.get('username') !== login?.[0] || form.get('password') !== login?.[1])
        return void response.writeHead(403).end('unknown user!')
      return sendJson(response, { accessToken: 'token-1', tokenTtl: 18_000, globalAdmin: false })
    }
    if (url.pathname !== '/nacos/v1/ns/instance/list') return void response.writeHead(404).end()
    if (login !== undefined && url.searchParams.get('accessToken') !== 'token-1') return void response.writeHead(403).end('forbidden')
    const isKnown = url.searchParams.get('serviceName') === 'DEFAULT_GROUP@@users'
    const hosts = (isKnown ? state.instances : []).map(({ port, weight = 1 }) => {
      return { ip: '127.0.0.1', port, weight, healthy: true, enabled: true, ephemeral: true, clusterName: 'DEFAULT', metadata: {} }
    })
    const name = url.searchParams.get('serviceName')
    sendJson(response, { name, groupName: 'DEFAULT_GROUP', clusters: '', cacheMillis: 3_000, hosts, lastRefTime: Date.now(), valid: true })
  })
}

async function start(t: Teardown, answer: Answer): Promise<RegistryServer> {
  const state = new State()
  state.setMaxListeners(0)
  const seen: string[] = []
  const server = createServer((request, response) => {
    const line = `${request.method} ${request.url}`
    seen.push(line)
    state.emit('asked', line)
    answer(request, response, new URL(request.url!, 'http://registry'), state).catch(() => response.destroy())
  })
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  const kill = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
  t.teardown(kill)
  const set = (index: number, instances: readonly RegisteredInstance[]): void => {
    state.index = index
    state.instances = instances
    state.emit('change')
  }
  return {
    address: `http://127.0.0.1:${port}`,
    seen,
    register: (...instances) => set(state.index + 1, instances),
    resetIndex: () => set(2, state.instances),
    lagBehind: ms => {
      state.lag = { ms, instances: state.instances }
    },
    asked: async () => (await once(state, 'asked'))[0],
    kill,
    restart: () => listen(port)
  }
}

function sendJson(response: ServerResponse, body: unknown): void {
  response.setHeader('Content-Type', 'application/json')
  response.end(JSON.stringify(body))
}
