/** `/`, `/openapi.json`, `/openapi.yaml`: where to go from here. Readable without a token. */
import type { FastifyPluginCallback } from 'fastify'
import Type from 'typebox'
import { LinksSchema } from '../schemas/admin-status.ts'
import { answer, emptyAnswer } from '../schemas/answers.ts'
import { toYaml } from '../src/control/openapi-document.ts'

const links = {
  docs: '/docs',
  openapi: '/openapi.json',
  forward_rules: '/forward-rules',
  services: '/services',
  certificates: '/certificates',
  config: '/config',
  revisions: '/revisions',
  rollouts: '/rollouts',
  events: '/events',
  instances: '/instances',
  connections: '/connections',
  health: '/health',
  ready: '/ready',
  status: '/status',
  metrics: '/metrics'
}

const rootSchema = {
  operationId: 'getLinks',
  tags: ['Instance'],
  summary: 'Where everything is',
  description: 'A browser is sent to Swagger UI.',
  response: { 200: answer('Links.', LinksSchema), 302: emptyAnswer('To Swagger UI.', { Location: Type.String() }) }
} as const

const rootRoutes: FastifyPluginCallback = (app, _options, done) => {
  app.get('/', { schema: rootSchema, config: { role: 'public' } }, async ({ headers }, reply) =>
    headers.accept?.includes('text/html') ? reply.redirect('/docs') : { links }
  )
  app.get('/openapi.json', { schema: { hide: true }, config: { role: 'public' } }, async () => app.swagger())
  app.get('/openapi.yaml', { schema: { hide: true }, config: { role: 'public' } }, async (_request, reply) =>
    reply.type('application/yaml').send(toYaml(app.swagger()))
  )
  done()
}

export default rootRoutes
