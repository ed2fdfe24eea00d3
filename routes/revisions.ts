/** `/revisions`: what was changed, when and by whom; and back to it. */
import type { FastifyPluginCallback, FastifyRequest } from 'fastify'
import { WriteHeadersSchema, type WriteQuery, WriteQuerySchema } from '../schemas/admin.ts'
import { CommitResultSchema } from '../schemas/admin-config.ts'
import {
  RevisionPageSchema,
  type RevisionParams,
  RevisionParamsSchema,
  type RevisionQuery,
  RevisionQuerySchema,
  RevisionSchema
} from '../schemas/admin-history.ts'
import { answer, problems, spreadAnswer, writeHeaders } from '../schemas/answers.ts'
import type { History } from '../src/control/history.ts'
import { restorePlan } from '../src/control/restore-plan.ts'
import { revisionPage } from '../src/control/revision-page.ts'
import { toRevisionDetail } from '../src/control/revision-view.ts'
import type { ConfigWriter } from '../src/control/writer.ts'
import { RevisionNotFoundError } from '../src/errors.ts'
import { sendWritten, toCommitResult, writeOptionsOf } from './write-reply.ts'

export interface RevisionRoutesOptions {
  readonly history: History
  readonly writer: ConfigWriter
}

const tags = ['History']

const listSchema = {
  operationId: 'listRevisions',
  tags,
  summary: 'List revisions',
  description: 'Newest first, page by page. About 1,000 commits are kept; a file or memory store keeps those of this process.',
  querystring: RevisionQuerySchema,
  response: { 200: answer('One page.', RevisionPageSchema), ...problems(503) }
} as const

const readSchema = {
  operationId: 'getRevision',
  tags,
  summary: 'Read a revision',
  description: 'With every item that it changed: as it was written before, as it was written, and what differs.',
  params: RevisionParamsSchema,
  response: { 200: answer('The revision.', RevisionSchema), ...problems(404, 503) }
} as const

const restoreSchema = {
  operationId: 'restoreRevision',
  tags,
  summary: 'Go back to a revision',
  description:
    'Brings every item back to what it was at the revision, as a new commit; what is the same already is not written. ' +
    'Nothing is lost: the revisions in between stay in the history.',
  params: RevisionParamsSchema,
  querystring: WriteQuerySchema,
  headers: WriteHeadersSchema,
  response: {
    200: answer('What changed, or would with `dry_run`.', CommitResultSchema, writeHeaders),
    202: spreadAnswer(),
    ...problems(404, 409, 422, 503)
  }
} as const

const revisionRoutes: FastifyPluginCallback<RevisionRoutesOptions> = (app, { history, writer }, done) => {
  app.get(
    '/revisions',
    { schema: listSchema, config: { role: 'viewer' } },
    async (request: FastifyRequest<{ Querystring: RevisionQuery }>) => revisionPage(history, request.query)
  )

  app.get(
    '/revisions/:revision',
    { schema: readSchema, config: { role: 'viewer' } },
    async ({ params }: FastifyRequest<{ Params: RevisionParams }>) => {
      const commit = await history.find(params.revision)
      if (commit === undefined) throw new RevisionNotFoundError(`The history has no revision ${params.revision}`)
      return toRevisionDetail(commit)
    }
  )

  app.post(
    '/revisions/:revision/restore',
    { schema: restoreSchema, config: { role: 'editor', write: true } },
    async (request: FastifyRequest<{ Params: RevisionParams; Querystring: WriteQuery }>, reply) => {
      const result = await writer.write(restorePlan(request.params.revision, history), writeOptionsOf(request))
      return sendWritten(reply, result, toCommitResult(result))
    }
  )
  done()
}

export default revisionRoutes
