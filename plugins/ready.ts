/** Answers readiness on a path of the proxy port, for load balancers. Comes before the rules: the path is the gateway's own. */
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import { NotReadyError } from '../src/errors.ts'

export interface ReadyOptions {
  readonly path: string
  readonly isReady: () => boolean
}

const ready: FastifyPluginCallback<ReadyOptions> = (app, { path, isReady }, done) => {
  app.addHook('onRequest', (request, reply, next) => {
    const { originalUrl, method } = request
    const asked = originalUrl === path || originalUrl.startsWith(`${path}?`)
    if (!asked || (method !== 'GET' && method !== 'HEAD')) return next()
    if (!isReady()) return next(new NotReadyError())
    reply.header('cache-control', 'no-store').send({ status: 'ready' })
  })
  done()
}

// fp(): the hook is for every request of the app.
export default fp(ready, { name: 'ready', fastify: '5.x' })
