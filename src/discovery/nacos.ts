/** Instances of a service in Nacos, by its open API v1: https://nacos.io/en/docs/v1/open-api/#query-instances-list and …/docs/v1/auth/ */
import type { Discovery } from '../../schemas/discovery.ts'
import type { DiscoveredTarget } from '../core/discovery.ts'
import { type ApiAnswer, HttpApi, jsonOf } from './http-api.ts'
import { Rounds } from './rounds.ts'
import { type DiscoverySource, type SourceEvents, toUrl, toWeight } from './source.ts'

const timeoutMs = 2_000
/** Nacos names some seconds as `cacheMillis`, and tells its own clients of changes by UDP meanwhile: they must not come later here. */
const maxCacheMs = 500
const minCacheMs = 100

interface Host {
  readonly ip?: string
  readonly port?: number
  readonly weight?: number
  readonly healthy?: boolean
  readonly enabled?: boolean
}

export function openNacosSource(discovery: Discovery, { onTargets, onTrouble }: SourceEvents): DiscoverySource {
  const api = new HttpApi(discovery.address!)
  const login = new Login(api, discovery)
  const list = async (signal: AbortSignal): Promise<ApiAnswer> => {
    const path = pathOf(discovery, await login.token(signal))
    return api.ask({ path, timeoutMs, signal })
  }
  const round = async (signal: AbortSignal): Promise<number> => {
    let answer = await list(signal)
    // Tokens run out, and all of them do when the server begins anew.
    if ((answer.status === 401 || answer.status === 403) && login.forget()) answer = await list(signal)
    const { hosts, cacheMillis } = jsonOf(answer) as { hosts?: unknown; cacheMillis?: number }
    if (!Array.isArray(hosts)) throw new Error('the server answered without a list of hosts')
    onTargets(hosts.flatMap((host: Host) => toTarget(host, discovery)))
    return discovery.refresh_ms ?? Math.max(minCacheMs, Math.min(maxCacheMs, Number(cacheMillis) || maxCacheMs))
  }
  const rounds = new Rounds({ round, onTrouble })
  return {
    refresh: () => rounds.refresh(),
    async close() {
      await rounds.close()
      await api.close()
    }
  }
}

function pathOf({ service, group = 'DEFAULT_GROUP', namespace = '', clusters = [] }: Discovery, token: string | undefined): string {
  const query = new URLSearchParams({ serviceName: `${group}@@${service}`, groupName: group, healthyOnly: 'true' })
  if (namespace !== '') query.set('namespaceId', namespace)
  if (clusters.length > 0) query.set('clusters', clusters.join(','))
  if (token !== undefined) query.set('accessToken', token)
  return `/nacos/v1/ns/instance/list?${query}`
}

function toTarget({ ip, port, weight, healthy, enabled }: Host, { scheme = 'http' }: Discovery): readonly DiscoveredTarget[] {
  if (!ip || !port || healthy === false || enabled === false) return []
  return [{ url: toUrl(scheme, ip, port), weight: toWeight(weight) }]
}

class Login {
  readonly #api: HttpApi
  readonly #discovery: Discovery
  #token: string | undefined

  constructor(api: HttpApi, discovery: Discovery) {
    this.#api = api
    this.#discovery = discovery
  }

  /** Undefined when there is nobody to log in. */
  async token(signal: AbortSignal): Promise<string | undefined> {
    const { username, password = '' } = this.#discovery
    if (username === undefined || this.#token !== undefined) return this.#token
    const body = new URLSearchParams({ username, password }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await this.#api.ask({ method: 'POST', path: '/nacos/v1/auth/login', headers, body, timeoutMs, signal })
    if (answer.status !== 200) throw new Error(`the login was refused with HTTP status ${answer.status}`)
    this.#token = String((jsonOf(answer) as { accessToken?: unknown }).accessToken)
    return this.#token
  }

  /** @returns whether there was a token */
  forget(): boolean {
    const had = this.#token !== undefined
    this.#token = undefined
    return had
  }
}
