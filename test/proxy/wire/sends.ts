/** The words of the client's column. */
import type { Sending } from './row.ts'
import { type Asked, readRequests, WireFault } from './strict-reader.ts'
import type { WireClient } from './wire-client.ts'

export const host = 'wire.example'

/** The text of a request with the fields given and, unless one of them is Host, `Host: wire.example`. */
export function request(line: string, fields: readonly string[] = [], body = '', version = 'HTTP/1.1'): string {
  const hosted = fields.some(field => /^host\s*:/i.test(field)) || version === 'HTTP/1.0'
  return [`${line} ${version}`, ...(hosted ? [] : [`Host: ${host}`]), ...fields, '', body].join('\r\n')
}

/** Sends exactly this. `asks` names the requests when they cannot be read from it. */
export function raw(text: string, asks: readonly Asked[] = asksOf(text)): Sending {
  return { asks, run: client => client.send(text) }
}

export const get = (...fields: string[]): Sending => raw(request('GET /row', fields))
export const head = (...fields: string[]): Sending => raw(request('HEAD /row', fields))
export const getAt = (target: string, ...fields: string[]): Sending => raw(request(`GET ${target}`, fields))
export const ask = (line: string, ...fields: string[]): Sending => raw(request(line, fields))
export const old = (line: string, ...fields: string[]): Sending => raw(request(line, fields, '', 'HTTP/1.0'))

/** A POST with the fields given, which frame `body`. */
export function post(body: string, ...fields: string[]): Sending {
  return raw(request('POST /row', fields, body))
}

/** A POST whose Transfer-Encoding is chunked and whose body is written as given. */
export function chunked(body: string, ...fields: string[]): Sending {
  const text = request('POST /row', ['Transfer-Encoding: chunked', ...fields], body)
  return raw(text, [{ method: 'POST', version: '1.1' }])
}

/** Steps of its own. */
export function steps(asks: readonly string[], run: (client: WireClient) => unknown): Sending {
  return { asks: asks.map(toAsked), run }
}

/** Steps of its own after which the client is gone. */
export function leaving(run: (client: WireClient) => unknown): Sending {
  return { asks: [{ method: 'GET', version: '1.1' }], run, leaves: true }
}

/** `GET`, or `GET 1.0`. */
function toAsked(text: string): Asked {
  const [method = '', version] = text.split(' ')
  return { method, version: version === '1.0' ? '1.0' : '1.1' }
}

/** The requests in well-formed bytes; for others, what their first line says. */
function asksOf(text: string): Asked[] {
  try {
    const { messages, whole } = readRequests(text)
    if (whole) return messages.map(({ method, version }) => ({ method, version }))
  } catch (error) {
    if (!(error instanceof WireFault)) throw error
  }
  const [, method = 'GET'] = /^\s*(\S+)/.exec(text) ?? []
  return [{ method, version: /^[^\n]*HTTP\/1\.0\r?\n/.test(text) ? '1.0' : '1.1' }]
}
