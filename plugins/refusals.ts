/** Requests that node:http does not hand to Fastify, refused as problems. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import { BadRequestError } from '../src/errors.ts'
import { endWithProblem } from './problem.ts'

const refusals: FastifyPluginCallback = ({ server }, _options, done) => {
  // RFC 9110 section 9.3.6: CONNECT is for forward proxies.
  server.on('connect', (_request: IncomingMessage, socket: Socket) => {
    endWithProblem(new BadRequestError('CONNECT is not taken here'), socket)
  })
  // RFC 9110 section 10.1.1: an expectation other than 100-continue.
  server.on('checkExpectation', (request: IncomingMessage, _response: ServerResponse) => {
    endWithProblem(new BadRequestError('The expectation in Expect is not known here'), request.socket)
  })
  done()
}

export default fp(refusals, { name: 'refusals', fastify: '5.x' })
