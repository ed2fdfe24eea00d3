/** `/rollouts`: changes that take effect step by step, and go back by themselves. */
import type { FastifyPluginCallback, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { IdParamsSchema, WriteHeadersSchema, type WriteQuery, WriteQuerySchema } from '../schemas/admin.ts'
import { answer, answerHeaders, problems, spreadAnswer, writeHeaders } from '../schemas/answers.ts'
import { RolloutListSchema, RolloutSchema, type RolloutWrite, RolloutWriteSchema, type TrafficResult } from '../schemas/rollout.ts'
import { WarningsSchema } from '../schemas/warning.ts'
import { idOfNew } from '../src/control/item-plans.ts'
import type { LiveConfig } from '../src/control/live-config.ts'
import { loadedState } from '../src/control/loaded-state.ts'
import { parseItem } from '../src/control/parse-item.ts'
import { beginPlan } from '../src/control/rollout-begin.ts'
import { abortPlan } from '../src/control/rollout-moves.ts'
import { toRolloutView } from '../src/control/rollout-view.ts'
import type { ConfigWriter, WriteResult } from '../src/control/writer.ts'
import { trafficOf } from '../src/core/rollout-stats.ts'
import type { InstanceReport } from '../src/core/store.ts'
import { RolloutNotFoundError } from '../src/errors.ts'
import { sendWritten, writeOptionsOf } from './write-reply.ts'

export interface RolloutRoutesOptions {
  readonly live: LiveConfig
  readonly writer: ConfigWriter
  readonly fleet: { list(): Promise<readonly InstanceReport[]> }
  /** The name of this instance. */
  readonly instance: string
}

const tags = ['Rollouts']

const BegunSchema = Type.Object(
  { ...RolloutSchema.properties, warnings: WarningsSchema },
  { additionalProperties: false, title: 'RolloutBegun' }
)

const beginSchema = {
  operationId: 'createRollout',
  tags,
  summary: 'Begin a rollout',
  description:
    'The changes are in force for the clients of the first step at once, and for more of them step by step, as long as the guard holds. After the ' +
    'last step they are committed for everybody; when the guard does not hold, nothing of them stays. One rollout runs at a time.',
  querystring: WriteQuerySchema,
  headers: WriteHeadersSchema,
  body: RolloutWriteSchema,
  response: {
    201: answer('Begun.', BegunSchema, { Location: answerHeaders.location, ...writeHeaders }),
    202: spreadAnswer(),
    ...problems(404, 409, 413, 415, 422, 503)
  }
} as const

const listSchema = {
  operationId: 'listRollouts',
  tags,
  summary: 'List rollouts',
  description: 'Newest first. The last 10 are kept.',
  response: { 200: answer('The rollouts.', RolloutListSchema), ...problems(503) }
} as const

const readSchema = {
  operationId: 'getRollout',
  tags,
  summary: 'Read a rollout',
  params: IdParamsSchema,
  response: { 200: answer('The rollout.', RolloutSchema), ...problems(404, 503) }
} as const

const abortSchema = {
  operationId: 'abortRollout',
  tags,
  summary: 'Abort a rollout',
  description: 'Nothing of it stays: all clients follow the current configuration again.',
  params: IdParamsSchema,
  querystring: WriteQuerySchema,
  headers: WriteHeadersSchema,
  response: { 200: answer('Aborted.', RolloutSchema, writeHeaders), 202: spreadAnswer(), ...problems(404, 409, 503) }
} as const

type BeginRequest = FastifyRequest<{ Body: RolloutWrite; Querystring: WriteQuery }>
type OneRequest = FastifyRequest<{ Params: { id: string } }>
type AbortRequest = FastifyRequest<{ Params: { id: string }; Querystring: WriteQuery }>

const rolloutRoutes: FastifyPluginCallback<RolloutRoutesOptions> = (app, { live, writer, fleet, instance }, done) => {
  app.post('/rollouts', { schema: beginSchema, config: { role: 'editor', write: true } }, async (request: BeginRequest, reply) => {
    const id = idOfNew('rollout', request.body)
    const options = writeOptionsOf(request)
    const { by, strict = false } = options
    const { plan, warnings } = beginPlan(request.body, { id, by, instance, at: new Date().toISOString(), strict }, parseItem)
    const result = await writer.write(plan, options)
    if (!result.dryRun) reply.header('location', `/rollouts/${id}`)
    return sendWritten(reply.code(201), result, { ...written(result, id), warnings: warnings() })
  })

  app.get('/rollouts', { schema: listSchema, config: { role: 'viewer' } }, async () => {
    const rollouts = loadedState(live).list('rollout')
    const traffic = await trafficNow(live, fleet)
    return { items: rollouts.toReversed().map(({ item }) => toRolloutView(item, traffic)) }
  })

  app.get('/rollouts/:id', { schema: readSchema, config: { role: 'viewer' } }, async ({ params }: OneRequest) => {
    const rollout = loadedState(live).get('rollout', params.id)
    if (rollout === undefined) throw new RolloutNotFoundError(params.id)
    return toRolloutView(rollout.item, await trafficNow(live, fleet))
  })

  app.post(
    '/rollouts/:id/abort',
    { schema: abortSchema, config: { role: 'editor', write: true } },
    async (request: AbortRequest, reply) => {
      const { id } = request.params
      const result = await writer.write(abortPlan(id, new Date().toISOString(), request.caller.name), writeOptionsOf(request))
      return sendWritten(reply, result, written(result, id))
    }
  )
  done()
}

// It was put a moment ago: what the write made holds it.
function written({ after }: WriteResult, id: string) {
  return toRolloutView(after.get('rollout', id)!.item, null)
}

/** What was counted of the step in force; null when none is, or when the store does not say what the others have counted. */
async function trafficNow({ rollout }: LiveConfig, fleet: RolloutRoutesOptions['fleet']): Promise<TrafficResult | null> {
  if (rollout === undefined) return null
  const reports = await fleet.list().catch(() => undefined)
  if (reports === undefined) return null
  return trafficOf(
    reports.map(report => report.rollout),
    rollout.id,
    rollout.step
  )
}

export default rolloutRoutes
