/** Which requests ask for a WebSocket, and whether they ask rightly (RFC 6455 section 4.2.1). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { BadRequestError, UpgradeRequiredError } from '../errors.ts'

/**
 * For the option `shouldUpgradeCallback` of `node:http`. Everything else that asks for an upgrade is a plain request: an Upgrade may be
 * ignored (RFC 9110 section 7.8), and what `node:http` hands out as upgraded has no body any more.
 */
export function isWebSocketRequest({ method, httpVersion, headers, socket }: IncomingMessage): boolean {
  if (method !== 'GET' || httpVersion !== '1.1' || headers.upgrade?.toLowerCase() !== 'websocket') return false
  if (headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0') return false
  // The answer to an earlier request is under way: the connection is not free to become another one. What `node:http` keeps there is it.
  const { _httpMessage: current } = socket as Socket & { readonly _httpMessage?: ServerResponse | null }
  return current === null || current === undefined
}

const keyPattern = /^[+/0-9A-Za-z]{22}==$/

/** What is wrong with the handshake of a client, if anything. */
export function faultOfHandshake({ headers }: IncomingMessage): Error | undefined {
  if (headers['sec-websocket-version'] !== '13') return new UpgradeRequiredError()
  if (!keyPattern.test(headers['sec-websocket-key'] ?? '')) return new BadRequestError('Sec-WebSocket-Key is missing or malformed')
  if (protocolsOf(headers['sec-websocket-protocol']) === undefined) return new BadRequestError('Sec-WebSocket-Protocol is malformed')
  return undefined
}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/** The sub-protocols that a client offers, in its order; undefined when they are no tokens or one comes twice. */
export function protocolsOf(field: string | undefined): readonly string[] | undefined {
  if (field === undefined) return []
  const names = field.split(',').map(name => name.trim())
  return names.every(name => token.test(name)) && new Set(names).size === names.length ? names : undefined
}
