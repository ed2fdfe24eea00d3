/** Requests that node:http does not hand to Fastify, refused as problems. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import { answerClientError, type BareAnswer, endWithProblem } from '../src/control/bare-answer.ts'
import { problemMediaType, toProblem } from '../src/control/problem.ts'
import { createIdSource } from '../src/control/request-id.ts'
import { clientAddress } from '../src/core/client-address.ts'
import { CidrSet } from '../src/core/ip.ts'
import { BadRequestError } from '../src/errors.ts'
import { isHttp2 } from '../src/upstream/inbound-http2.ts'

/** An answer to what never became a request of the app. */
export interface Refusal extends BareAnswer {
  /** The address of the peer; its forwarding fields are not read. */
  readonly clientIp: string
}

export type RefusalListener = (refusal: Refusal) => void

declare module 'fastify' {
  interface FastifyInstance {
    /** Registers a listener for every refusal. Only before the start. */
    onRefusal(listener: RefusalListener): void
    /** Answers what the HTTP parser refused: for Fastify's option `clientErrorHandler`. */
    answerClientError(error: NodeJS.ErrnoException, socket: Socket): void
  }
}

const newId = createIdSource()
const nobody = CidrSet.parse([])

const refusals: FastifyPluginCallback = (app, _options, done) => {
  const { server } = app
  const listeners: RefusalListener[] = []
  const tell = (bare: BareAnswer, socket: Socket): void => {
    const clientIp = clientAddress(socket.remoteAddress ?? 'unknown', undefined, nobody)
    for (const listener of listeners) listener({ ...bare, clientIp })
  }
  app.decorate('onRefusal', (listener: RefusalListener) => void listeners.push(listener))
  app.decorate('answerClientError', (error: NodeJS.ErrnoException, socket: Socket) => answerClientError(error, socket, tell))
  // RFC 9110 section 9.3.6: CONNECT is for forward proxies.
  server.on('connect', (request: IncomingMessage, socket: Socket | ServerResponse) => {
    const error = new BadRequestError('CONNECT is not taken here')
    if (isHttp2(request)) tell(answer(socket as ServerResponse, error), request.socket)
    else endWithProblem(error, socket as Socket, tell)
  })
  // Whether the body is wanted is for the target to say: node:http would ask for it at once.
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => server.emit('request', request, response))
  // RFC 9110 section 10.1.1: an expectation other than 100-continue. The answer takes its turn behind those of earlier requests.
  server.on('checkExpectation', ({ socket }: IncomingMessage, response: ServerResponse) => {
    tell(answer(response, new BadRequestError('The expectation in Expect is not known here')), socket)
  })
  done()
}

function answer(response: ServerResponse, error: Error): BareAnswer {
  const requestId = newId()
  const problem = toProblem(error, requestId, new Date())
  const { status, code } = problem
  const body = JSON.stringify(problem)
  const bytesSent = Buffer.byteLength(body)
  const headers = { 'content-type': problemMediaType, 'content-length': bytesSent, 'x-request-id': requestId }
  // HTTP/2 has no Connection field, and needs none: the rest of the request ends with its stream.
  response.writeHead(status, isHttp2(response.req) ? headers : { ...headers, connection: 'close' }).end(body)
  return { requestId, status, code, bytesSent }
}

export default fp(refusals, { name: 'refusals', fastify: '5.x' })
