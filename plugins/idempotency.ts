/**
 * `Idempotency-Key` on writes: a request that is sent again gets the answer it got, so a client may repeat what timed out. Kept by this
 * instance only: behind a load balancer, PUT with `If-Match` is the stronger promise.
 */
import { createHash } from 'node:crypto'
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { IdempotencyCache, type StoredAnswer } from '../src/control/idempotency-cache.ts'
import { BadRequestError, IdempotencyConflictError, IdempotencyReusedError } from '../src/errors.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Whether the route writes: it then takes `Idempotency-Key`. */
    write?: boolean
  }
  interface FastifyRequest {
    /** Under which key the answer to this request is kept; null: it is not. */
    idempotencyKey: string | null
  }
}

export interface IdempotencyOptions {
  /** Milliseconds since any fixed moment. Default: the clock. */
  readonly now?: () => number
}

/** Which header fields belong to an answer; the others are of the exchange. */
const keptHeaders = ['content-type', 'etag', 'location', 'sluice-revision', 'sluice-dry-run'] as const

const idempotency: FastifyPluginCallback<IdempotencyOptions> = (app, { now = Date.now }, done) => {
  const cache = new IdempotencyCache({ now })
  app.decorateRequest('idempotencyKey', null)
  app.addHook('preHandler', (request, reply, next) => {
    const given = request.headers['idempotency-key']
    if (given === undefined || request.routeOptions.config.write !== true) return next()
    if (typeof given !== 'string' || !/^[\x20-\x7e]{1,255}$/.test(given))
      return next(new BadRequestError('Idempotency-Key must be 1-255 printable characters'))
    // Each caller has keys of its own: nobody can read another's answer by guessing.
    const key = `${request.caller.name}\n${given}`
    const known = cache.begin(key, fingerprintOf(request))
    if (known.state === 'running') return next(new IdempotencyConflictError())
    if (known.state === 'reused') return next(new IdempotencyReusedError())
    if (known.state === 'done') return replay(reply, known.answer)
    request.idempotencyKey = key
    next()
  })
  app.addHook('onSend', (request, reply, payload, next) => {
    const { idempotencyKey: key } = request
    if (key !== null) {
      // After a failure of ours the same request may well succeed: it is not answered with the failure for a day.
      if (reply.statusCode >= 500) cache.forget(key)
      else cache.finish(key, toStored(reply, payload))
    }
    next(null, payload)
  })
  done()
}

function fingerprintOf({ method, url, headers, body }: FastifyRequest): string {
  const parts = [method, url, headers['if-match'], headers['if-none-match'], body]
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64')
}

function toStored(reply: FastifyReply, payload: unknown): StoredAnswer {
  const headers: Record<string, string> = {}
  for (const name of keptHeaders) if (reply.hasHeader(name)) headers[name] = String(reply.getHeader(name))
  const body = typeof payload === 'string' ? payload : Buffer.isBuffer(payload) ? payload.toString() : ''
  return { status: reply.statusCode, headers, body }
}

function replay(reply: FastifyReply, { status, headers, body }: StoredAnswer): void {
  reply.code(status).headers(headers).header('idempotent-replayed', 'true')
  reply.send(body === '' ? undefined : body)
}

// fp(): the hooks are for every route of the app.
export default fp(idempotency, { name: 'idempotency', fastify: '5.x', dependencies: ['admin-auth', 'revision'] })
