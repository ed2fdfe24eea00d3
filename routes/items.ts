/** The operations on one kind of item: list, create, read, replace, patch, delete. The same code for every kind. */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import { judgeBodyLater } from '../plugins/admin-validators.ts'
import type { WriteQuery } from '../schemas/admin.ts'
import { withShownKeys } from '../src/control/api-keys.ts'
import type { ItemRef } from '../src/control/config-diff.ts'
import { etagOf } from '../src/control/etag.ts'
import { itemKinds } from '../src/control/item-kinds.ts'
import { pageOf } from '../src/control/item-page.ts'
import { createPlan, deletePlan, idOfNew, patchPlan, replacePlan } from '../src/control/item-plans.ts'
import type { LiveConfig } from '../src/control/live-config.ts'
import { loadedState } from '../src/control/loaded-state.ts'
import type { Plan } from '../src/control/planned-change.ts'
import { type Conditions, isNotModified } from '../src/control/preconditions.ts'
import type { ConfigWriter, WriteResult } from '../src/control/writer.ts'
import type { DocumentKind } from '../src/core/change.ts'
import { itemSchemas } from './item-schemas.ts'
import type { ListQuery, Resource } from './resource.ts'
import { sendWritten, writeOptionsOf } from './write-reply.ts'

export interface ItemRoutesOptions {
  readonly live: LiveConfig
  readonly writer: ConfigWriter
}

type ItemRequest = FastifyRequest<{ Params: { id: string }; Querystring: WriteQuery }>

const reading = { role: 'viewer' } as const
const writing = { role: 'editor', write: true } as const

/** The routes of `resource`, as a plugin. */
export function itemRoutes<K extends DocumentKind, Q extends ListQuery>(
  resource: Resource<K, Q>
): FastifyPluginCallback<ItemRoutesOptions> {
  const { kind, path, matches } = resource
  const schemas = itemSchemas(resource)
  const one = `${path}/:id`
  return (app, { live, writer }, done) => {
    const write = (request: ItemRequest, plan: Plan) => writer.write(plan, writeOptionsOf(request))
    const refOf = (request: ItemRequest): ItemRef => ({ kind, id: request.params.id })

    app.get(path, { schema: schemas.list, config: reading }, async request => {
      const query = request.query as Q
      const { limit = 100, cursor, label = [] } = query
      return pageOf(loadedState(live), kind, { limit, cursor, matches: item => hasLabels(item, label) && matches(item, query) })
    })

    app.post(path, { schema: schemas.create, config: writing, validatorCompiler: judgeBodyLater }, async (request: ItemRequest, reply) => {
      const ref = { kind, id: idOfNew(kind, request.body) }
      const result = await write(request, createPlan(ref, request.body))
      if (!result.dryRun) reply.header('location', `${path}/${ref.id}`)
      return sendItem(reply.code(201), result, ref)
    })

    app.get<{ Params: { id: string } }>(one, { schema: schemas.read, config: reading }, async ({ params, headers }, reply) => {
      const item = loadedState(live).get(kind, params.id)
      if (item === undefined) throw itemKinds[kind].notFound(params.id)
      const etag = etagOf(item)
      reply.header('etag', etag)
      return isNotModified(headers['if-none-match'], etag) ? reply.code(304).send() : item.item
    })

    app.put(one, { schema: schemas.replace, config: writing, validatorCompiler: judgeBodyLater }, async (request: ItemRequest, reply) => {
      const ref = refOf(request)
      const result = await write(request, replacePlan(ref, request.body, conditionsOf(request)))
      return sendItem(reply.code(result.before.get(kind, ref.id) === undefined ? 201 : 200), result, ref)
    })

    app.patch(one, { schema: schemas.patch, config: writing, validatorCompiler: judgeBodyLater }, async (request: ItemRequest, reply) => {
      const ref = refOf(request)
      return sendItem(reply, await write(request, patchPlan(ref, request.body, conditionsOf(request))), ref)
    })

    app.delete(one, { schema: schemas.remove, config: writing }, async (request: ItemRequest, reply) => {
      const result = await write(request, deletePlan(refOf(request), conditionsOf(request)))
      return sendWritten(reply.code(204), result, undefined)
    })
    done()
  }
}

function sendItem(reply: FastifyReply, result: WriteResult, { kind, id }: ItemRef): FastifyReply {
  // It was put a moment ago: what the write made holds it.
  const item = result.after.get(kind, id)!
  const { warnings, changes, dryRun } = result
  const made = dryRun ? undefined : changes.find(({ change }) => change.kind === kind && change.id === id)?.madeKeys
  const shown = withShownKeys(item.item, made)
  // The entity tag is that of the item: the warnings are about it, and are not in it.
  return sendWritten(reply.header('etag', etagOf(item)), result, warnings.length === 0 ? shown : { ...shown, warnings })
}

function conditionsOf({ headers }: ItemRequest): Conditions {
  return { ifMatch: headers['if-match'], ifNoneMatch: headers['if-none-match'] }
}

function hasLabels(item: { readonly labels?: Readonly<Record<string, string>> }, wanted: readonly string[]): boolean {
  return wanted.every(text => {
    const colon = text.indexOf(':')
    return item.labels?.[text.slice(0, colon)] === text.slice(colon + 1)
  })
}
