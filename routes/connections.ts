/** `/connections`: the WebSockets that are open on this instance. */
import type { FastifyPluginCallback } from 'fastify'
import { answer, emptyAnswer, problems } from '../schemas/answers.ts'
import { ConnectionPageSchema, ConnectionParamsSchema, type ConnectionQuery, ConnectionQuerySchema } from '../schemas/connection.ts'
import { connectionPage } from '../src/control/connection-page.ts'
import { ConnectionNotFoundError } from '../src/errors.ts'
import type { Connections } from '../src/upstream/connections.ts'

export interface ConnectionRoutesOptions {
  readonly connections: Connections
}

const listSchema = {
  operationId: 'listConnections',
  tags: ['Instance'],
  summary: 'List open WebSockets',
  description: 'Those that this instance forwards, oldest first.',
  querystring: ConnectionQuerySchema,
  response: { 200: answer('A page of open WebSockets.', ConnectionPageSchema), ...problems(400) }
} as const

const closeSchema = {
  operationId: 'closeConnection',
  tags: ['Instance'],
  summary: 'Close a WebSocket',
  description: 'Begins the closing handshake with both sides, with code 1001; the answer does not wait for its end.',
  params: ConnectionParamsSchema,
  response: { 204: emptyAnswer('It is being closed.'), ...problems(404) }
} as const

const connectionRoutes: FastifyPluginCallback<ConnectionRoutesOptions> = (app, { connections }, done) => {
  app.get<{ Querystring: ConnectionQuery }>('/connections', { schema: listSchema, config: { role: 'viewer' } }, async ({ query }) =>
    connectionPage(connections, query)
  )
  app.delete<{ Params: { id: string } }>(
    '/connections/:id',
    { schema: closeSchema, config: { role: 'editor' } },
    async ({ params }, reply) => {
      const connection = connections.get(params.id)
      if (connection === undefined) throw new ConnectionNotFoundError(params.id)
      connection.close(1001, 'closed by an operator')
      return reply.code(204).send()
    }
  )
  done()
}

export default connectionRoutes
