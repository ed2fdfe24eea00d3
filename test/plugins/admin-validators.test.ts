import fastify from 'fastify'
import t from 'tap'
import Type from 'typebox'
import adminValidators from '../../plugins/admin-validators.ts'
import type { Teardown } from '../helpers/gateway.ts'

async function build(t: Teardown) {
  const app = fastify()
  t.teardown(() => app.close())
  app.setErrorHandler((error, _request, reply) => reply.code(400).send((error as { faults?: unknown }).faults))
  await app.register(adminValidators)
  const body = Type.Object(
    { count: Type.Integer(), deep: Type.Optional(Type.Object({ list: Type.Array(Type.String()) }, { additionalProperties: false })) },
    { additionalProperties: false }
  )
  const querystring = Type.Object(
    { n: Type.Optional(Type.Integer({ default: 7 })), flag: Type.Optional(Type.Boolean()) },
    { additionalProperties: false }
  )
  const response = { 200: Type.Object({ known: Type.Integer() }) }
  app.post('/strict', { schema: { operationId: 'strict', body, querystring, response } }, async ({ query }) => ({
    known: 1,
    query,
    unknown: 2
  }))
  app.get('/none', { schema: { operationId: 'none' }, config: { role: 'viewer' } }, async () => 'ok')
  return app
}

t.test('bodies are neither coerced nor cut', async t => {
  const app = await build(t)
  for (const [payload, pointers] of [
    [{ count: '5' }, ['/count']],
    [{ count: 5, wieght: 1 }, ['/wieght']],
    [{}, ['/count']],
    [{ count: 1, deep: { list: ['a', 2, 'c'], x: 0 } }, ['/deep/x', '/deep/list/1']]
  ] as const) {
    const { statusCode, body } = await app.inject({ method: 'POST', url: '/strict', payload })
    t.equal(statusCode, 400)
    t.same(
      JSON.parse(body)
        .map(({ pointer }: { pointer: string }) => pointer)
        .sort(),
      [...pointers].sort(),
      body
    )
  }
})

t.test('parameters are coerced, have defaults, and a flag needs no value', async t => {
  const app = await build(t)
  const ask = async (query: string) => (await app.inject({ method: 'POST', url: `/strict${query}`, payload: { count: 1 } })).json()
  t.same((await ask('?n=5&flag=true')).query, { n: 5, flag: true })
  t.same((await ask('?flag')).query, { n: 7, flag: true })
  t.same((await ask('?flag=false')).query, { n: 7, flag: false })
})

t.test('what a handler sends goes out whole, whatever the schema says', async t => {
  const app = await build(t)
  t.match((await app.inject({ method: 'POST', url: '/strict', payload: { count: 1 } })).json(), { known: 1, unknown: 2 })
})

t.test('a documented route without parameters refuses every parameter', async t => {
  const app = await build(t)
  t.equal((await app.inject('/none')).statusCode, 200)
  t.equal((await app.inject('/none?x=1')).statusCode, 400)
})
