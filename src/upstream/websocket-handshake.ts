/** The opening handshake with a target. */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { WebSocket } from 'ws'
import type { CompiledRule, CompiledTarget } from '../core/route.ts'
import { BadGatewayError, UpstreamTimeoutError } from '../errors.ts'
import type { Cancellable } from './exchange.ts'
import { codeOf, toAnswer } from './failures.ts'
import type { ReceivedFields } from './response-headers.ts'
import { type TargetTlsOptions, toTlsOptions } from './target-tls.ts'
import { closeTimeoutMs } from './websocket-link.ts'

/** What is asked of a target. */
export interface TargetRequest {
  readonly rule: CompiledRule
  readonly target: CompiledTarget
  /** Path and query. */
  readonly path: string
  /** Names and values in turn, without those of the handshake itself. */
  readonly fields: readonly string[]
  /** The sub-protocols that the client offers. */
  readonly protocols: readonly string[]
}

export interface HandshakeListener {
  /** The target agreed. Its socket is paused. */
  onOpen(target: WebSocket, protocol: string, fields: ReceivedFields): void
  /** It answered otherwise than with 101. */
  onAnswer(answer: IncomingMessage): void
  onFailure(error: Error, code: string): void
}

/** Each side takes the context of a message up anew: the memory of a connection stays small. */
const compression = { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 1_024 } as const

/** What both sides keep to. Pings are passed on instead of being answered here. */
export function socketOptions({ maxMessageBytes, compression: isCompressed }: CompiledRule['websocket']) {
  return {
    maxPayload: maxMessageBytes,
    perMessageDeflate: isCompressed ? compression : false,
    autoPong: false,
    closeTimeout: closeTimeoutMs
  }
}

// A connection for each handshake: one that is left over from a refused one may be about to close.
const plainAgent = new HttpAgent()
const tlsAgent = new HttpsAgent()

/** How to connect to a target. What is for TLS is not read for a plain one. */
export function connectOptions({ origin, transport }: CompiledTarget): TargetTlsOptions & { agent: HttpAgent; servername?: string } {
  const servername = transport?.tls?.serverName
  const agent = isTls(origin) ? tlsAgent : plainAgent
  return { agent, ...toTlsOptions(transport?.tls), ...(servername === undefined ? {} : { servername }) }
}

function isTls(origin: string): boolean {
  return origin.startsWith('https:')
}

/** The fields as `node:http` takes them, repeated ones as lists. */
export function toHeaders(fields: readonly string[], protocols: readonly string[]): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = Object.create(null)
  for (let at = 0; at < fields.length; at += 2) {
    const name = fields[at]!
    if (ownFields.has(name)) continue
    const before = headers[name]
    headers[name] = before === undefined ? fields[at + 1]! : [...(typeof before === 'string' ? [before] : before), fields[at + 1]!]
  }
  if (protocols.length > 0) headers['sec-websocket-protocol'] = protocols.join(', ')
  return headers
}

/** Of the handshake with the client: that with the target has its own. */
const ownFields: ReadonlySet<string> = new Set([
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-extensions',
  'sec-websocket-protocol',
  'content-length'
])

/** Asks a target; exactly one method of `listener` is called, none after `cancel`. */
export class TargetHandshake implements Cancellable {
  readonly #request: TargetRequest
  readonly #listener: HandshakeListener
  readonly #target: WebSocket
  #timer: NodeJS.Timeout
  #fields: ReceivedFields = {}
  #protocol = ''
  #done = false

  constructor(request: TargetRequest, listener: HandshakeListener) {
    this.#request = request
    this.#listener = listener
    const { rule, target, fields, protocols } = request
    this.#timer = setTimeout(this.#expire, rule.timeouts.connect)
    this.#target = new WebSocket(target.origin, {
      ...socketOptions(rule.websocket),
      ...connectOptions(target),
      headers: toHeaders(fields, protocols),
      finishRequest: message => this.#send(message)
    })
    this.#target
      .on('upgrade', answer => this.#read(answer))
      .on('unexpected-response', (_request, answer) => {
        if (this.#finish()) this.#listener.onAnswer(answer)
        else answer.destroy()
      })
      .on('error', error => this.#fail('code' in error ? toAnswer(error) : new BadGatewayError({ cause: error }), codeOf(error)))
      .on('open', () => this.#open())
  }

  cancel(): void {
    if (this.#finish()) this.#target.terminate()
  }

  #send(message: ClientRequest): void {
    const { path, rule } = this.#request
    // A URL would have changed its encoding.
    message.path = path
    message.once('socket', socket => {
      socket.once(isTls(this.#request.target.origin) ? 'secureConnect' : 'connect', () => {
        clearTimeout(this.#timer)
        if (!this.#done) this.#timer = setTimeout(this.#expire, rule.timeouts.read)
      })
    })
    message.end()
  }

  // `ws` fails when none of several sub-protocols is chosen, which is the client's to judge: it is not told of any.
  #read({ headers }: IncomingMessage): void {
    const { 'sec-websocket-protocol': chosen, ...fields } = headers
    delete headers['sec-websocket-protocol']
    this.#fields = fields
    this.#protocol = chosen ?? ''
    if (chosen === undefined || this.#request.protocols.includes(chosen)) return
    this.#fail(new BadGatewayError(), 'WS_ERR_PROTOCOL')
    this.#target.terminate()
  }

  #open(): void {
    if (!this.#finish()) return this.#target.terminate()
    this.#target.pause()
    this.#listener.onOpen(this.#target, this.#protocol, this.#fields)
  }

  readonly #expire = (): void => {
    this.#fail(new UpstreamTimeoutError(), 'ETIMEDOUT')
    this.#target.terminate()
  }

  #fail(error: Error, code: string): void {
    if (this.#finish()) this.#listener.onFailure(error, code)
  }

  #finish(): boolean {
    if (this.#done) return false
    this.#done = true
    clearTimeout(this.#timer)
    return true
  }
}
