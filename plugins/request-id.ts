/** Gives every request an id: the client's `X-Request-Id` when it is well-formed, otherwise a new one. Every answer carries it. */
import type { IncomingMessage } from 'node:http'
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import { createIdSource, isRequestId } from '../src/control/request-id.ts'

const requestId: FastifyPluginCallback = (app, _options, done) => {
  const newId = createIdSource()
  app.setGenReqId(({ headers }: Pick<IncomingMessage, 'headers'>) => {
    const given = headers['x-request-id']
    return given !== undefined && isRequestId(given) ? given : newId()
  })
  // Answers that are written straight to the connection put it there themselves.
  app.addHook('onSend', (request, reply, payload, next) => {
    reply.header('x-request-id', request.id)
    next(null, payload)
  })
  done()
}

// fp(): for every route of the app.
export default fp(requestId, { name: 'request-id', fastify: '5.x' })
