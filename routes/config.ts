/** `/config`: the configuration as a whole. */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import { stringify } from 'yaml'
import { judgeBodyLater } from '../plugins/admin-validators.ts'
import type { WriteQuery } from '../schemas/admin.ts'
import { diffStates } from '../src/control/config-diff.ts'
import { itemsOf, problemsOf, syncPlan, toDocument } from '../src/control/config-document.ts'
import { configProblems } from '../src/control/config-problems.ts'
import type { LiveConfig } from '../src/control/live-config.ts'
import { loadedState } from '../src/control/loaded-state.ts'
import { parseItem } from '../src/control/parse-item.ts'
import type { ConfigWriter } from '../src/control/writer.ts'
import { exportSchema, problemsSchema, syncSchema, validateSchema } from './config-schemas.ts'
import { sendWritten, writeOptionsOf } from './write-reply.ts'

export interface ConfigRoutesOptions {
  readonly live: LiveConfig
  readonly writer: ConfigWriter
}

type SyncRequest = FastifyRequest<{ Querystring: WriteQuery & { prune: boolean } }>
type ExportRequest = FastifyRequest<{ Querystring: { format?: 'json' | 'yaml' } }>

/** 100,000 rules and more; every other body is held to 1 MiB. */
const bodyLimit = 64 * 1024 * 1024

const configRoutes: FastifyPluginCallback<ConfigRoutesOptions> = (app, { live, writer }, done) => {
  app.get('/config', { schema: exportSchema, config: { role: 'viewer' } }, async (request: ExportRequest, reply) =>
    sendDocument(reply, wantsYaml(request), toDocument(loadedState(live)))
  )

  app.put(
    '/config',
    { schema: syncSchema, config: { role: 'editor', write: true }, validatorCompiler: judgeBodyLater, bodyLimit },
    async (request: SyncRequest, reply) => {
      const { prune } = request.query
      const items = itemsOf(request.body)
      const result = await writer.write(syncPlan(items, prune, parseItem), { ...writeOptionsOf(request), sent: items })
      const diff = diffStates(
        result.before,
        result.after,
        result.changes.map(({ change }) => change)
      ).filter(({ op }) => op !== 'unchanged')
      const count = (wanted: string) => diff.filter(({ op }) => op === wanted).length
      const counts = { created: count('create'), updated: count('update'), deleted: count('delete') }
      const unchanged = items.length - counts.created - counts.updated
      return sendWritten(reply, result, { revision: result.revision, ...counts, unchanged, diff, warnings: result.warnings })
    }
  )

  app.post(
    '/config/validate',
    { schema: validateSchema, config: { role: 'viewer' }, validatorCompiler: judgeBodyLater, bodyLimit },
    async request => {
      const problems = problemsOf(request.body, live.state, parseItem, Date.now())
      return { valid: problems.length === 0, problems }
    }
  )

  app.get('/config/problems', { schema: problemsSchema, config: { role: 'viewer' } }, async () => ({
    items: configProblems(loadedState(live), Date.now()).map(({ kind, id, code, faults, previousLive, revision }) => {
      return { kind, id, code, errors: faults, previous_live: previousLive, revision }
    })
  }))
  done()
}

function sendDocument(reply: FastifyReply, asYaml: boolean, document: unknown): FastifyReply {
  // Lists of 100,000 items need no anchors, and lines are not folded: what is exported is compared with `diff`.
  return asYaml
    ? reply.type('application/yaml').send(stringify(document, { aliasDuplicateObjects: false, lineWidth: 0 }))
    : reply.send(document)
}

function wantsYaml({ query, headers }: ExportRequest): boolean {
  if (query.format !== undefined) return query.format === 'yaml'
  return /\b(application|text)\/(x-)?yaml\b/i.test(headers.accept ?? '')
}

export default configRoutes
