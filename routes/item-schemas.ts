/** The documented shape of the operations on one kind of item. */
import type { FastifySchema } from 'fastify'
import Type from 'typebox'
import { patchTypes } from '../plugins/body-parsers.ts'
import { IdParamsSchema, ItemReadHeadersSchema, ItemWriteHeadersSchema, WriteHeadersSchema, WriteQuerySchema } from '../schemas/admin.ts'
import { answer, answerHeaders, emptyAnswer, problems, spreadAnswer, writeHeaders } from '../schemas/answers.ts'
import type { DocumentKind } from '../src/core/change.ts'
import type { ListQuery, Resource } from './resource.ts'

const { etag, location } = answerHeaders

/** One schema per operation of `resource`. */
export function itemSchemas<K extends DocumentKind, Q extends ListQuery>(resource: Resource<K, Q>) {
  const { name, noun, tag, readSchema, writtenSchema } = resource
  const tags = [tag]
  const item = (text: string) => answer(text, writtenSchema, { ETag: etag, ...writeHeaders })
  const body = { ...resource.writeSchema, 'x-examples': resource.examples }
  const bodyOfPut = { ...resource.writeSchema, 'x-examples': withoutIds(resource.examples) }
  const written = { tags, querystring: WriteQuerySchema, headers: ItemWriteHeadersSchema, params: IdParamsSchema }
  const refusals = [409, 413, 415, 422, 503] as const
  const created = answer('Created.', writtenSchema, { ETag: etag, Location: location, ...writeHeaders })
  return {
    list: {
      operationId: `list${name}s`,
      tags,
      summary: `List ${noun}s`,
      description: 'Oldest first, page by page. A cursor stays valid while items come and go.',
      querystring: resource.querySchema,
      response: { 200: answer('One page.', resource.pageSchema), ...problems(503) }
    },
    create: {
      operationId: `create${name}`,
      tags,
      summary: `Create a ${noun}`,
      description: 'The server makes an `id` when there is none.',
      querystring: WriteQuerySchema,
      headers: WriteHeadersSchema,
      body,
      response: { 201: created, 202: spreadAnswer({ ETag: etag, Location: location }), ...problems(...refusals) }
    },
    read: {
      operationId: `get${name}`,
      tags,
      summary: `Read a ${noun}`,
      params: IdParamsSchema,
      headers: ItemReadHeadersSchema,
      response: {
        200: answer(`The ${noun}.`, readSchema, { ETag: etag }),
        304: emptyAnswer('It is what `If-None-Match` names.', { ETag: etag }),
        ...problems(404, 503)
      }
    },
    replace: {
      ...written,
      operationId: `put${name}`,
      summary: `Create or replace a ${noun}`,
      description: 'The body is the whole item; what it leaves out is back at its default.',
      body: bodyOfPut,
      response: { 200: item('Replaced.'), 201: item('Created.'), 202: spreadAnswer({ ETag: etag }), ...problems(412, ...refusals) }
    },
    patch: {
      ...written,
      operationId: `patch${name}`,
      summary: `Change a ${noun}`,
      description: 'JSON merge patch (RFC 7396): fields are merged, null removes one, lists are replaced as a whole.',
      consumes: [...patchTypes],
      body: patchSchema(resource),
      response: { 200: item('Changed.'), 202: spreadAnswer({ ETag: etag }), ...problems(404, 412, ...refusals) }
    },
    remove: {
      ...written,
      operationId: `delete${name}`,
      summary: `Delete a ${noun}`,
      response: { 202: spreadAnswer(), 204: emptyAnswer('Deleted.', writeHeaders), ...problems(404, 409, 412, 422, 503) }
    }
  } as const satisfies Record<string, FastifySchema>
}

function patchSchema<K extends DocumentKind, Q extends ListQuery>({ name, noun, patchExample }: Resource<K, Q>) {
  const description = `Any fields of the ${noun}; null removes a field.`
  return {
    ...Type.Object({}, { additionalProperties: true, title: `${name}Patch`, description }),
    'x-examples': { patch: { value: patchExample } }
  }
}

// The URL names the item: an example with an id of its own would be refused in "Try it out".
function withoutIds(examples: Resource<DocumentKind, ListQuery>['examples']): Resource<DocumentKind, ListQuery>['examples'] {
  return Object.fromEntries(
    Object.entries(examples).map(([name, { summary, value }]) => {
      const { id: _id, ...rest } = value
      return [name, { summary, value: rest }]
    })
  )
}
