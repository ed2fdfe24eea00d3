/** `/commits`: several changes, all or nothing. */
import type { FastifyPluginCallback, FastifyRequest } from 'fastify'
import type { WriteQuery } from '../schemas/admin.ts'
import type { CommitWrite } from '../schemas/admin-config.ts'
import { commitPlan } from '../src/control/commit-plan.ts'
import type { ConfigWriter } from '../src/control/writer.ts'
import { commitSchema } from './config-schemas.ts'
import { sendWritten, toCommitResult, writeOptionsOf } from './write-reply.ts'

export interface CommitRoutesOptions {
  readonly writer: ConfigWriter
}

type CommitRequest = FastifyRequest<{ Body: CommitWrite; Querystring: WriteQuery }>

const commitRoutes: FastifyPluginCallback<CommitRoutesOptions> = (app, { writer }, done) => {
  app.post('/commits', { schema: commitSchema, config: { role: 'editor', write: true } }, async (request: CommitRequest, reply) => {
    const result = await writer.write(commitPlan(request.body.changes), writeOptionsOf(request))
    return sendWritten(reply, result, toCommitResult(result))
  })
  done()
}

export default commitRoutes
