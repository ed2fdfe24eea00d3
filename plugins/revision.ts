/** Header fields of every answer of the admin plane: the applied revision, and that nothing is cached or sniffed. */
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import type { LiveConfig } from '../src/control/live-config.ts'

export interface RevisionOptions {
  readonly live: LiveConfig
}

const revision: FastifyPluginCallback<RevisionOptions> = (app, { live }, done) => {
  app.addHook('onSend', (_request, reply, payload, next) => {
    // A write has set its own. Before the first load: 0, what an empty store is at.
    if (!reply.hasHeader('sluice-revision')) reply.header('sluice-revision', String(live.state?.revision ?? 0))
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    reply.header('x-content-type-options', 'nosniff')
    next(null, payload)
  })
  done()
}

// fp(): the hook is for every answer of the app.
export default fp(revision, { name: 'revision', fastify: '5.x' })
