/** Where Redis is, as the setting says it. */
import { decoded, type HostPort, toHostPort } from './host-port.ts'

/** One server, or several of which one is to be found (`redis-locator.ts`). */
export type RedisAddress =
  | { readonly mode: 'single'; readonly url: string }
  | ({ readonly mode: 'sentinel'; readonly master: string; readonly database: number } & ManyHosts)
  | ({ readonly mode: 'cluster' } & ManyHosts)

interface ManyHosts {
  readonly hosts: readonly HostPort[]
  readonly tls: boolean
  /** '' when there is none. */
  readonly username: string
  /** '' when there is none. */
  readonly password: string
}

const form = /^(rediss?)\+(sentinel|cluster):\/\/(?:([^/@?#]*)@)?([^/@?#]+)(?:\/([^?#]*))?$/
const defaultPorts = { sentinel: 26_379, cluster: 6_379 }

/**
 * Reads `redis://…`, `rediss://…` (TLS), `redis+sentinel://[user:password@]host[:port],…/master[/database]` and
 * `redis+cluster://[user:password@]host[:port],…`, the last two with `rediss+` too. User and password are percent-encoded where they hold
 * one of `:/@?#%`; they are those of the servers with the data.
 * @throws {Error} with one line that holds no password
 */
export function toRedisAddress(url: string): RedisAddress {
  if (/^rediss?:\/\//.test(url)) {
    if (!URL.canParse(url)) throw new Error('the store is no valid redis:// or rediss:// URL')
    return { mode: 'single', url }
  }
  const [, scheme, mode, user, list, path = ''] = form.exec(url) ?? []
  if (mode !== 'sentinel' && mode !== 'cluster') {
    throw new Error(
      'the store is no valid Redis URL: redis://host, redis+sentinel://host:port,host:port/master or redis+cluster://host:port,host:port'
    )
  }
  const [username = '', ...password] = (user ?? '').split(':')
  const many: ManyHosts = {
    hosts: list!.split(',').map(text => toHostPort(text, defaultPorts[mode])),
    tls: scheme === 'rediss',
    username: decoded(username),
    password: decoded(password.join(':'))
  }
  return mode === 'sentinel' ? { mode, ...many, ...toMaster(path) } : { mode, ...many, ...mustBeEmpty(path) }
}

function toMaster(path: string): { master: string; database: number } {
  const [, master, database = '0'] = /^([^/]+)(?:\/(\d{1,4}))?$/.exec(path) ?? []
  if (master === undefined) throw new Error('a Sentinel URL ends in the name of the master: redis+sentinel://host:port/master[/database]')
  return { master: decoded(master), database: Number(database) }
}

function mustBeEmpty(path: string): object {
  if (path !== '') throw new Error('a Cluster URL ends behind its hosts: a cluster has one database only')
  return {}
}
