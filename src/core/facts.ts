/** What the core needs to know of one request. */
import { type IpWords, parseIp } from './ip-address.ts'
import type { NormalPath } from './path.ts'

/** What `node:http` gives as `IncomingMessage.headers`: names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>

/** A known caller. */
export interface KnownClient {
  readonly id: string
  /** The id of its tier. */
  readonly tier: string | undefined
}

const none: readonly string[] = []

/** One request as rules see it. Address, query and cookies are parsed on first use, once. */
export class RequestFacts {
  readonly method: string
  readonly path: NormalPath
  /** With its leading `?`, or `''`; as sent. */
  readonly search: string
  /** In the form of `toMatchHost`. */
  readonly host: string
  /** In the form of `clientAddress`. */
  readonly ip: string
  readonly headers: RequestHeaders
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Who the caller has shown to be; undefined for nobody in particular. */
  client: KnownClient | undefined = undefined
  #ipWords: IpWords | undefined
  #query: Map<string, string[]> | undefined
  #cookies: Map<string, string> | undefined

  constructor(method: string, path: NormalPath, search: string, host: string, ip: string, headers: RequestHeaders, now: number) {
    this.method = method
    this.path = path
    this.search = search
    this.host = host
    this.ip = ip
    this.headers = headers
    this.now = now
  }

  /** The client's address, parsed; undefined when it is none. */
  get ipWords(): IpWords | undefined {
    this.#ipWords ??= parseIp(this.ip)
    return this.#ipWords
  }

  /** The value of a header field, by its name in lower case; repeated ones are joined as Node does. */
  header(name: string): string | undefined {
    const value: unknown = this.headers[name]
    if (typeof value === 'string') return value
    // Anything else is no field but what an object inherits, such as `constructor`.
    return Array.isArray(value) ? value.join(', ') : undefined
  }

  /** The decoded values of a query parameter, in the order sent; empty when it is absent. */
  queryValues(name: string): readonly string[] {
    if (this.search.length < 2) return none
    this.#query ??= parseQuery(this.search)
    return this.#query.get(name) ?? none
  }

  /** The value of a cookie, without quotes around it and otherwise as sent; of two with one name, the first. */
  cookie(name: string): string | undefined {
    const header = this.header('cookie')
    if (header === undefined) return undefined
    this.#cookies ??= parseCookies(header)
    return this.#cookies.get(name)
  }
}

function parseQuery(search: string): Map<string, string[]> {
  const values = new Map<string, string[]>()
  for (const [name, value] of new URLSearchParams(search)) {
    const known = values.get(name)
    if (known === undefined) values.set(name, [value])
    else known.push(value)
  }
  return values
}

// RFC 6265 section 5.4: the more specific cookie is sent first, so of two the first counts.
function parseCookies(header: string): Map<string, string> {
  const cookies = new Map<string, string>()
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const name = pair.slice(0, equals).trim()
    if (!cookies.has(name)) cookies.set(name, unquote(pair.slice(equals + 1).trim()))
  }
  return cookies
}

function unquote(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value
}
