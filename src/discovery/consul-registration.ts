/**
 * This gateway as a service in Consul, for as long as it runs: https://developer.hashicorp.com/consul/api-docs/agent/service and
 * …/api-docs/agent/check
 */
import { HttpApi } from './http-api.ts'
import { Rounds } from './rounds.ts'

/** Where and as what to register. Read from `SLUICE_REGISTER` by `toRegistration`. */
export interface Registration {
  /** `http://host:port` of the agent. */
  readonly address: string
  readonly token: string | undefined
  readonly service: string
  readonly tags: readonly string[]
  /** Where others reach this gateway; undefined: the address of the agent's node. */
  readonly host: string | undefined
}

export interface RegistrationOptions {
  readonly registration: Registration
  /** Of this instance: unique in the cluster. */
  readonly instance: string
  readonly port: number
  /** Whether the check passes now. */
  readonly isReady: () => boolean
  /** Once when it begins to fail, and with undefined once it is well again. */
  readonly onState: (error: string | undefined) => void
}

/** Consul takes the check as failed when it was not told for so long. */
const ttlS = 15
/** The check is told so often: a Consul that has forgotten the service is noticed by it. */
const tellMs = 2_000
const timeoutMs = 2_000
/** An instance that was killed is gone from the list after this time. */
const deregisterAfter = '10m'

/**
 * Reads `consul://[token@]host[:8500]/service[?tags=a,b&address=10.0.0.7]`.
 * @throws {Error} with one line that holds no token
 */
export function toRegistration(text: string): Registration {
  const url = /^consul:\/\//.test(text) ? URL.parse(text.replace(/^consul:/, 'http:')) : null
  const service = url === null ? '' : decodeURIComponent(url.pathname.slice(1))
  if (url === null || !/^[A-Za-z0-9._-]{1,128}$/.test(service)) throw new Error('must be consul://[token@]host[:8500]/service-name')
  const { searchParams: query, username, hostname, port } = url
  for (const name of query.keys())
    if (name !== 'tags' && name !== 'address') throw new Error(`has no parameter '${name}'; tags and address`)
  return {
    address: `http://${hostname}:${/:80(\/|$)/.test(text) ? 80 : port || 8500}`,
    token: username === '' ? undefined : decodeURIComponent(username),
    service,
    tags: (query.get('tags') ?? '').split(',').filter(tag => tag !== ''),
    host: query.get('address') ?? undefined
  }
}

/** Registers now, and again whenever Consul has forgotten. `close` deregisters, and gives up after two seconds. */
export function openRegistration(options: RegistrationOptions): { close(): Promise<void> } {
  const { registration, instance, isReady, onState } = options
  const { token, service, address } = registration
  const id = `${service}-${instance}`
  const api = new HttpApi(address)
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    ...(token === undefined ? {} : { 'x-consul-token': token })
  }
  const put = async (path: string, body?: object): Promise<number> => {
    const answer = await api.ask({ method: 'PUT', path, headers, timeoutMs, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
    // An agent of before 1.11 answers 500 for a check that it does not know.
    const isUnknown = answer.status === 404 || /unknown check/i.test(answer.text)
    if (answer.status !== 200 && !isUnknown) throw new Error(`HTTP status ${answer.status}: ${answer.text.slice(0, 200).trim()}`)
    return isUnknown ? 404 : 200
  }
  const tell = () => put(`/v1/agent/check/${isReady() ? 'pass' : 'fail'}/${encodeURIComponent(`service:${id}`)}`)
  let state: string | undefined
  const report = (error: string | undefined): void => {
    if ((error === undefined) !== (state === undefined) || state === '') onState(error)
    state = error
  }
  state = ''
  const round = async (): Promise<number> => {
    if ((await tell()) === 404) {
      const found = await put('/v1/agent/service/register?replace-existing-checks=true', toBody(options, id))
      if (found === 404 || (await tell()) === 404) throw new Error('the agent does not take the service')
    }
    report(undefined)
    return tellMs
  }
  const rounds = new Rounds({ round, onTrouble: error => report(error.message) })
  return {
    async close() {
      await rounds.close()
      await put(`/v1/agent/service/deregister/${encodeURIComponent(id)}`).catch((error: Error) => onState(error.message))
      await api.close()
    }
  }
}

function toBody({ registration: { service, tags, host }, port }: RegistrationOptions, id: string): object {
  return {
    ID: id,
    Name: service,
    Tags: tags,
    Port: port,
    ...(host === undefined ? {} : { Address: host }),
    Check: { TTL: `${ttlS}s`, DeregisterCriticalServiceAfter: deregisterAfter }
  }
}
