/** Answers every error of either plane as `application/problem+json` (RFC 9457), whether Fastify, a handler or the HTTP parser found it. */
import type { Socket } from 'node:net'
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { answerClientError } from '../src/control/bare-answer.ts'
import { problemMediaType, toProblem, toPublicError } from '../src/control/problem.ts'
import { InternalError, NotFoundError } from '../src/errors.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the problem that answered the request, in lower case. */
    problem: string | undefined
  }
}

export interface ProblemOptions {
  /** Hears in full what the client is told about only as `internal_error`. */
  readonly logger: { error(fields: object, message: string): void }
}

const problem: FastifyPluginCallback<ProblemOptions> = (app, { logger }, done) => {
  app.decorateRequest('problem')
  app.setErrorHandler((error, request, reply) => {
    const answer = toPublicError(error, {
      method: request.method,
      path: pathOf(request),
      contentType: request.headers['content-type']
    })
    if (answer instanceof InternalError) logger.error({ err: error, request_id: request.id }, 'a request failed inside')
    sendProblem(answer, request, reply)
  })
  app.setNotFoundHandler((request, reply) => sendProblem(new NotFoundError(request.method, pathOf(request)), request, reply))
  done()
}

/** For Fastify's option `frameworkErrors`: what its router refuses (a malformed URL) reaches no hook and no error handler. */
export function onFrameworkError(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const context = { method: request.method, path: '', contentType: undefined }
  sendProblem(toPublicError(error, context), request, reply.header('x-request-id', request.id))
}

function sendProblem(error: Error, request: FastifyRequest, reply: FastifyReply): void {
  const body = toProblem(error, request.id, new Date())
  request.problem = body.code
  // Whatever lets us say 503 passes soon: a load, a target that comes back.
  if ((body.status === 503 || 'retryAfterS' in error) && !reply.hasHeader('retry-after'))
    reply.header('retry-after', 'retryAfterS' in error ? String(error.retryAfterS) : '1')
  // As bytes: to a string Fastify would add a charset, which JSON has not (RFC 8259 section 11).
  reply
    .code(body.status)
    .header('content-type', problemMediaType)
    .send(Buffer.from(JSON.stringify(body)))
}

// The proxy hides the URL from Fastify's router: what the client sent is the original one.
function pathOf({ originalUrl }: FastifyRequest): string {
  const query = originalUrl.indexOf('?')
  return query === -1 ? originalUrl : originalUrl.slice(0, query)
}

/** For Fastify's option `clientErrorHandler`: answers what never became a request, and closes the connection. */
export function onClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  answerClientError(error, socket)
}

// fp(): the handlers are for every route of the app.
export default fp(problem, { name: 'problem', fastify: '5.x' })
