/** `POST /config/recover`: a person decides what goes on when the store lost its data or holds those of another life. */
import type { FastifyPluginCallback, FastifyRequest } from 'fastify'
import { RecoverResultSchema, RecoverWriteSchema } from '../schemas/admin-config.ts'
import { answer, problems } from '../schemas/answers.ts'
import type { ConfigWriter } from '../src/control/writer.ts'

export interface RecoverRoutesOptions {
  readonly writer: ConfigWriter
}

const recoverSchema = {
  operationId: 'recoverConfig',
  tags: ['Configuration'],
  summary: 'Decide what goes on after the store lost its data',
  description:
    '`instance`: what is live on this instance is written back into the store, and every instance goes on with it. ' +
    '`store`: this instance follows what the store holds now, whatever it is. Only while `/health` reports the store as estranged.',
  body: RecoverWriteSchema,
  response: { 200: answer('The store is followed again.', RecoverResultSchema), ...problems(409, 503) }
} as const

const recoverRoutes: FastifyPluginCallback<RecoverRoutesOptions> = (app, { writer }, done) => {
  app.post(
    '/config/recover',
    { schema: recoverSchema, config: { role: 'admin' } },
    async (request: FastifyRequest<{ Body: { keep: 'instance' | 'store' } }>) => ({
      revision: await writer.recover(request.body.keep, request.caller.name)
    })
  )
  done()
}

export default recoverRoutes
