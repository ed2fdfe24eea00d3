/** From a request for a WebSocket to an open one: asks the target first, and lets the client in once it agreed. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { WebSocket } from 'ws'
import type { CompiledRule, CompiledTarget } from '../core/route.ts'
import { OverloadedError } from '../errors.ts'
import type { Connections, OpenConnection, RuleTally } from './connections.ts'
import type { Exchange } from './exchange.ts'
import type { AnswerSlot } from './forward-context.ts'
import { toTargetHeaders } from './request-headers.ts'
import type { ReceivedFields } from './response-headers.ts'
import { headOf } from './target-request.ts'
import type { Upstream } from './upstream.ts'
import { acceptLines } from './websocket-accept.ts'
import { passOnAnswer } from './websocket-answer.ts'
import { HandshakeFlight } from './websocket-flight.ts'
import { TargetHandshake, type TargetRequest } from './websocket-handshake.ts'
import { type LinkOptions, WebSocketLink } from './websocket-link.ts'
import { protocolsOf } from './websocket-request.ts'

/** A client that may be let in. */
export interface Admission {
  readonly rule: CompiledRule
  readonly exchange: Exchange
  /** Of `node:http`, never written to: it ends with the connection. */
  readonly response: ServerResponse
  readonly tally: RuleTally
  readonly request: TargetRequest
  /** The target's side, open and paused; undefined when the rule reconnects: it is then connected to afterwards. */
  readonly target: WebSocket | undefined
  /** The sub-protocol for the client; `''` is none. */
  readonly protocol: string
  /** Lines for the header section of the 101. */
  readonly lines: readonly string[]
}

/** What the registry needs of a link. */
export type Link = Pick<WebSocketLink, 'received' | 'sent' | 'close' | 'terminate'>

export class WebSockets {
  readonly connections: Connections
  readonly #upstream: Upstream
  readonly #admissions = new WeakMap<IncomingMessage, Admission>()

  constructor(upstream: Upstream, connections: Connections) {
    this.#upstream = upstream
    this.connections = connections
  }

  /** Prepares to let a client in. Calls `proceed` once it may be, or answers by `reply`. */
  admit(raw: IncomingMessage, reply: AnswerSlot, exchange: Exchange, proceed: () => void): void {
    const { rule, upstreamPath } = exchange.route!
    if (this.#upstream.draining) return void reply.send(new OverloadedError())
    const target = this.#upstream.targetOf(exchange)
    if (target === undefined) return void reply.send(this.#upstream.refusalOf(exchange))
    const fields = toTargetHeaders(headOf(raw, exchange), rule, target)
    const tally = this.connections.reserve(rule.id, rule.websocket.maxConnections)
    if (tally === undefined) return void reply.send(new OverloadedError())
    reply.raw.once('close', () => this.connections.release(tally))
    exchange.target = target.url
    const protocols = protocolsOf(raw.headers['sec-websocket-protocol']) ?? []
    const { targetState } = exchange
    const request = { rule, target, path: target.basePath + upstreamPath, fields, protocols }
    if (rule.websocket.reconnect === undefined)
      return this.#ask(raw, reply, { rule, exchange, response: reply.raw, tally, request }, proceed)
    // What it connects to, and when, the link does not tell.
    if (targetState !== undefined) reply.raw.once('close', targetState.hold())
    const lines = acceptLines({}, exchange, raw)
    this.#admissions.set(raw, {
      rule,
      exchange,
      response: reply.raw,
      tally,
      request,
      target: undefined,
      protocol: protocols[0] ?? '',
      lines
    })
    proceed()
  }

  /** The admission of a request, as long as it was not taken. */
  admissionOf(raw: IncomingMessage): Admission | undefined {
    return this.#admissions.get(raw)
  }

  /** The admission of a request, for the one that lets its client in. */
  take(raw: IncomingMessage): Admission {
    const admission = this.#admissions.get(raw)!
    this.#admissions.delete(raw)
    // From here on the link ends the target's side, in good order.
    admission.exchange.upstream = undefined
    return admission
  }

  /** Joins the client with the target that agreed. */
  join(client: WebSocket, admission: Admission): void {
    this.open(admission, options => new WebSocketLink(client, admission.target!, options))
  }

  /** Makes a link and lists it until it ends. */
  open(admission: Admission, makeLink: (options: LinkOptions) => Link): void {
    const { rule, exchange, tally } = admission
    const link = makeLink({
      idleTimeoutMs: rule.websocket.idleTimeoutMs,
      stallMs: this.#upstream.clientStallMs,
      onMessage: (fromClient, size) => {
        if (fromClient) {
          tally.messagesReceived++
          exchange.bytesReceived += size
        } else {
          tally.messagesSent++
          exchange.bytesSent += size
        }
      },
      onEnd: () => this.connections.remove(connection, tally)
    })
    const connection = toConnection(this.connections.nextSeq(), admission, link)
    this.connections.add(connection, tally)
    // The closing of all has been, or this one would not be here; whoever comes later is closed at once.
    if (this.#upstream.draining) connection.close(1001, 'going away')
  }

  #ask(raw: IncomingMessage, reply: AnswerSlot, known: Omit<Admission, 'target' | 'protocol' | 'lines'>, proceed: () => void): void {
    const { rule, exchange } = known
    const askedMs = performance.now()
    const { targetState, breakerCall } = exchange
    const isFollowed = targetState !== undefined || breakerCall !== undefined
    const flight = isFollowed ? new HandshakeFlight(targetState, breakerCall, askedMs, reply.raw) : undefined
    exchange.upstream = new TargetHandshake(known.request, {
      onOpen: (target: WebSocket, protocol: string, fields: ReceivedFields) => {
        exchange.upstreamMs = performance.now() - askedMs
        flight?.opened()
        exchange.upstream = { cancel: () => target.terminate() }
        const lines = acceptLines(fields, exchange, raw)
        this.#admissions.set(raw, { ...known, target, protocol, lines })
        proceed()
      },
      onAnswer: answer => {
        exchange.upstreamMs = performance.now() - askedMs
        flight?.settle(answer.statusCode)
        passOnAnswer(answer, reply, exchange, rule.timeouts.read)
      },
      onFailure: (error, code) => {
        exchange.upstreamError = code
        flight?.settle(undefined, code === 'ECONNREFUSED' ? 'connect_error' : code === 'ETIMEDOUT' ? 'timeout' : 'reset')
        reply.send(error)
      }
    })
  }
}

function toConnection(seq: number, { rule, exchange, request, protocol }: Admission, link: Link): OpenConnection {
  const target: CompiledTarget = request.target
  return {
    id: `ws-${seq}`,
    seq,
    requestId: exchange.id,
    rule: rule.id,
    service: exchange.service,
    target: target.url,
    clientIp: exchange.facts!.ip,
    sinceMs: Date.now(),
    protocol,
    received: link.received,
    sent: link.sent,
    close: (code, reason) => link.close(code, reason),
    terminate: () => link.terminate()
  }
}
