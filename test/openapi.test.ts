import { readFileSync } from 'node:fs'
import { Validator } from '@seriousme/openapi-schema-validator'
import t from 'tap'
import { parse } from 'yaml'
import { openapiText } from '../scripts/openapi-text.ts'

interface Operation {
  readonly operationId?: string
  readonly tags?: readonly string[]
  readonly summary?: string
  readonly description?: string
  readonly security?: readonly unknown[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown; readonly examples?: unknown }>> }
  readonly responses: Readonly<Record<string, { readonly $ref?: string }>>
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> }
}

const text = await openapiText()
const document = parse(text) as Document
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ called: `${method.toUpperCase()} ${path}`, path, operation }))
)

t.test('openapi.yaml is what the routes say', async t => {
  t.ok(readFileSync(new URL('../openapi.yaml', import.meta.url), 'utf8') === text, 'run `npm run openapi` and commit the result')
})

t.test('the document is the same each time it is made', async t => {
  t.ok((await openapiText()) === text)
})

t.test('the document is valid OpenAPI 3.1', async t => {
  const { valid, errors } = await new Validator().validate(parse(text))
  t.ok(valid, JSON.stringify(errors))
})

t.test('every operation of the contract is there', async t => {
  const crud = (path: string) => [
    `GET ${path}`,
    `POST ${path}`,
    ...['GET', 'PUT', 'PATCH', 'DELETE'].map(method => `${method} ${path}/{id}`)
  ]
  const config = ['GET /config', 'PUT /config', 'POST /config/validate', 'GET /config/problems', 'POST /config/recover']
  const history = ['GET /revisions', 'GET /revisions/{revision}', 'POST /revisions/{revision}/restore', 'GET /events']
  const rollouts = ['GET /rollouts', 'POST /rollouts', 'GET /rollouts/{id}', 'POST /rollouts/{id}/abort']
  const instance = ['GET /', 'GET /health', 'GET /ready', 'GET /status', 'GET /metrics', 'GET /instances']
  const connections = ['GET /connections', 'DELETE /connections/{id}']
  const expected = [
    crud('/forward-rules'),
    crud('/services'),
    crud('/certificates'),
    crud('/clients'),
    crud('/tiers'),
    config,
    ['GET /services/{id}/health', 'GET /services/{id}/discovery', 'GET /services/{id}/breaker', 'PUT /services/{id}/breaker'],
    ['POST /commits', 'POST /explain'],
    history,
    rollouts,
    instance,
    connections
  ].flat()
  t.same(operations.map(({ called }) => called).sort(), expected.sort())
})

t.test('every operation says what it is, who may call it and how it can fail', async t => {
  const open = ['/', '/health', '/ready', '/metrics']
  for (const { called, path, operation } of operations) {
    t.match(operation, { operationId: /^[a-z][A-Za-z]+$/, summary: String, tags: [String] }, called)
    t.equal(operation.tags?.length, 1, called)
    const isOpen = open.includes(path)
    t.same(operation.security, isOpen ? [] : [{ bearer: [] }], called)
    for (const status of isOpen ? ['403', '500'] : ['400', '401', '403', '500'])
      t.same(operation.responses[status], { $ref: `#/components/responses/Problem${status}` }, `${called} ${status}`)
    t.equal(operation.responses['429'] !== undefined, !['/health', '/ready', '/metrics'].includes(path), called)
    if (!isOpen) t.match(operation.description, /Needs the role `(viewer|editor|admin)`\./, called)
  }
})

t.test('every body has an example to try', async t => {
  const withBody = operations.flatMap(({ called, operation }) =>
    operation.requestBody === undefined ? [] : [{ called, body: operation.requestBody }]
  )
  t.equal(withBody.length, 22)
  for (const { called, body } of withBody)
    for (const [type, media] of Object.entries(body.content)) t.ok(media.example ?? media.examples, `${called} ${type}`)
})

t.test('schemas keep what OpenAPI 3.0 could not say', async t => {
  t.match(document.components.schemas.ForwardRule, { properties: { labels: { patternProperties: Object, additionalProperties: false } } })
})
