/** Lets requests in by the rule's `auth`, and says who they come from. */
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import type { AuthMetrics } from '../src/control/auth-metrics.ts'
import { authenticate } from '../src/control/authenticate.ts'
import { UnauthorizedError } from '../src/errors.ts'

export interface AuthOptions {
  readonly metrics: Pick<AuthMetrics, 'recordAuthRefusal'>
}

const auth: FastifyPluginCallback<AuthOptions> = (app, { metrics }, done) => {
  app.addHook('onRequest', ({ exchange, route: { rule } }, reply, next) => {
    if (rule.auth === undefined) return next()
    const facts = exchange.facts!
    const found = authenticate(rule.auth, facts, exchange.snapshot!)
    if (typeof found !== 'string') {
      facts.client = found
      return next()
    }
    metrics.recordAuthRefusal(found)
    // RFC 9110 section 11.6.1. No scheme is registered for API keys.
    reply.header('www-authenticate', 'ApiKey realm="api"')
    next(new UnauthorizedError('Valid credentials are needed'))
  })
  done()
}

// fp(): the hook is for every request of the app.
export default fp(auth, { name: 'auth', fastify: '5.x', dependencies: ['router'] })
