/** Requests that node:http does not hand to Fastify, refused as problems. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import { problemMediaType, toProblem } from '../src/control/problem.ts'
import { createIdSource } from '../src/control/request-id.ts'
import { BadRequestError } from '../src/errors.ts'
import { endWithProblem } from './problem.ts'

const newId = createIdSource()

const refusals: FastifyPluginCallback = ({ server }, _options, done) => {
  // RFC 9110 section 9.3.6: CONNECT is for forward proxies.
  server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    endWithProblem(new BadRequestError('CONNECT is not taken here'), socket)
  })
  // RFC 9110 section 10.1.1: an expectation other than 100-continue. The answer takes its turn behind those of earlier requests.
  server.on('checkExpectation', (_request: IncomingMessage, response: ServerResponse) => {
    const error = new BadRequestError('The expectation in Expect is not known here')
    const id = newId()
    const body = JSON.stringify(toProblem(error, id, new Date()))
    const headers = { 'content-type': problemMediaType, 'content-length': Buffer.byteLength(body), 'x-request-id': id, connection: 'close' }
    response.writeHead(400, headers).end(body)
  })
  done()
}

export default fp(refusals, { name: 'refusals', fastify: '5.x' })
