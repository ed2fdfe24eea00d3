/** `/commits`: several changes, all or nothing. */
import type { FastifyPluginCallback, FastifyRequest } from 'fastify'
import type { CommitWrite } from '../schemas/admin-config.ts'
import { commitPlan } from '../src/control/commit-plan.ts'
import { diffStates } from '../src/control/config-diff.ts'
import type { ConfigWriter } from '../src/control/writer.ts'
import { commitSchema } from './config-schemas.ts'
import { setWriteHeaders } from './write-reply.ts'

export interface CommitRoutesOptions {
  readonly writer: ConfigWriter
}

type CommitRequest = FastifyRequest<{ Body: CommitWrite; Querystring: { dry_run: boolean } }>

const commitRoutes: FastifyPluginCallback<CommitRoutesOptions> = (app, { writer }, done) => {
  app.post('/commits', { schema: commitSchema, config: { role: 'editor', write: true } }, async (request: CommitRequest, reply) => {
    const plan = commitPlan(request.body.changes)
    const result = await writer.write(plan, { by: request.caller.name, dryRun: request.query.dry_run })
    setWriteHeaders(reply, result)
    const refs = result.changes.map(({ change }) => change)
    return { revision: result.revision, changes: diffStates(result.before, result.after, refs) }
  })
  done()
}

export default commitRoutes
