import { decoded, hostPortText, toHostPort } from './host-port.ts'

/** Where etcd is, and where in it the configuration. */
export interface EtcdAddress {
  /** `http://host:port` each. */
  readonly endpoints: readonly string[]
  /** '' when there is none. */
  readonly username: string
  readonly password: string
  /** What every key begins with, without a slash at the end: `/sluice`. */
  readonly root: string
}

const form = /^etcd(s?):\/\/(?:([^/@?#]*)@)?([^/@?#]+)(?:\/([^?#]*))?$/

/**
 * Reads `etcd://[user:password@]host[:port],…[/prefix]`, and `etcds://` for TLS. The port is 2379 and the prefix `sluice` unless said otherwise.
 * Another namespace than `default` is kept below it, as `/prefix/@namespace`.
 * @throws {Error} with one line that holds no password
 */
export function toEtcdAddress(url: string, namespace: string): EtcdAddress {
  const [, tls, user = '', list, path = ''] = form.exec(url) ?? []
  if (list === undefined) throw new Error('the store is no valid etcd URL: etcd://host:2379,host:2379/prefix')
  const [username = '', ...password] = user.split(':')
  const prefix = decoded(path).replace(/^\/+|\/+$/g, '') || 'sluice'
  // "@" is no beginning of the name of a kind: a namespace is never taken for a list of items.
  const below = namespace === 'default' ? '' : `/@${namespace}`
  return {
    endpoints: list.split(',').map(text => `http${tls}://${hostPortText(toHostPort(text, 2379))}`),
    username: decoded(username),
    password: decoded(password.join(':')),
    root: `/${prefix}${below}`
  }
}
