/**
 * Refuses new requests with 503 `overloaded` while the gateway has more to do than it can, before anything is worked out about them. Not
 * `@fastify/under-pressure`: that knows neither connections nor requests in flight, and lets one late reading decide.
 */
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import type { Overload } from '../src/control/overload.ts'
import type { OverloadMetrics } from '../src/control/overload-metrics.ts'
import { OverloadedError } from '../src/errors.ts'

export interface OverloadOptions {
  readonly overload: Pick<Overload, 'refusalOf' | 'requestStarted' | 'requestEnded' | 'watch'>
  readonly metrics: Pick<OverloadMetrics, 'recordRefusal'>
}

// Made once: under overload nothing shall be spent on stack traces.
const refused = new OverloadedError()

const overloadPlugin: FastifyPluginCallback<OverloadOptions> = (app, { overload, metrics }, done) => {
  overload.watch(app.server)
  app.addHook('onRequest', (request, reply, next) => {
    const reason = overload.refusalOf(request.raw.socket)
    if (reason === undefined) {
      request.exchange.admitted = true
      overload.requestStarted()
      return next()
    }
    metrics.recordRefusal(reason)
    if (reason === 'connections') reply.header('connection', 'close')
    next(refused)
  })
  app.onExchangeEnd(({ exchange, problem }) => {
    if (!exchange.admitted) return
    overload.requestEnded()
    if (problem === 'overloaded') metrics.recordRefusal('target')
  })
  done()
}

// fp(): the hook is for every request of the app.
export default fp(overloadPlugin, { name: 'overload', fastify: '5.x', dependencies: ['exchange', 'problem'] })
