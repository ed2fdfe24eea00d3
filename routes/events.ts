/** `/events`: what happens to this instance, as server-sent events. */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import Type from 'typebox'
import { EventHeadersSchema } from '../schemas/admin-history.ts'
import { answerAs } from '../schemas/answers.ts'
import type { EventFeed } from '../src/control/event-feed.ts'
import { EventStream } from '../src/control/event-stream.ts'
import type { History } from '../src/control/history.ts'
import type { LiveConfig } from '../src/control/live-config.ts'

export interface EventRoutesOptions {
  readonly feed: EventFeed
  readonly history: History
  readonly live: LiveConfig
}

const eventsSchema = {
  operationId: 'getEvents',
  tags: ['History'],
  summary: 'Follow what happens',
  description:
    'Server-sent events, as this instance sees them; each `data` is one line of JSON.\n\n' +
    '- `commit`: a commit is live here: `revision`, `at`, `by`, `source`, `total`, `changes` (`op`, `kind`, `id` of the first 1,000)\n' +
    '- `resync`: more happened than can be told commit by commit, read `GET /config`: `revision`, `at`, `source`\n' +
    '- `quarantine`: items cannot be live as they are stored, or can again: `revision`, `at`, `total`, `items`, `released`\n' +
    '- `rollout`: a rollout began, went on or ended: `revision`, `at`, `id`, `status`, `step`, `steps`, `percent`, `reason`, `by`\n' +
    "- `health`: a target of a service is in another state: `at`, `service`, `target`, `from`, `to`, `reason`, `rollout` (of a rollout's own version)\n" +
    '- `breaker`: a circuit breaker changed its state: `at`, `service`, `rule`, `target`, `from`, `to`, `reason`\n' +
    '- `store`: `status` (`UP`, `DOWN`, `ESTRANGED`), `at`, `reason`\n\n' +
    'The `id` of an event is the revision. A reader that comes back with `Last-Event-ID` is told the commits since, or `resync` when the ' +
    'history does not have them any more. A comment comes every 15 seconds. A reader that lets more than 1 MiB wait is cut off.',
  headers: EventHeadersSchema,
  response: { 200: answerAs('Events until either side ends it.', { 'text/event-stream': { schema: Type.String() } }) }
} as const

/** How long a reader may take to read what was said before the end, in milliseconds. */
const lingerMs = 1000

const eventRoutes: FastifyPluginCallback<EventRoutesOptions> = (app, { feed, history, live }, done) => {
  const open = new Map<EventStream, FastifyReply>()

  // Without HEAD: it would read a stream that never ends.
  app.get('/events', { schema: eventsSchema, config: { role: 'viewer' }, exposeHeadRoute: false }, async (request, reply) => {
    const after = lastSeen(request)
    const stream = new EventStream({ feed, live, history, ...(after === undefined ? {} : { after }) })
    open.set(stream, reply)
    stream.once('close', () => open.delete(stream))
    // No reuse of the connection, and no buffering by nginx and its like.
    return reply.headers({ 'content-type': 'text/event-stream', connection: 'close', 'x-accel-buffering': 'no' }).send(stream)
  })

  // Before the server waits for its connections to end: these do not by themselves.
  app.addHook('preClose', next => {
    for (const [stream, reply] of open) {
      stream.stop()
      setTimeout(() => reply.raw.destroy(), lingerMs).unref()
    }
    next()
  })
  done()
}

// An id that is none of ours is of another past: its reader is told to read anew. A browser gives up for good after a 400.
function lastSeen({ headers }: FastifyRequest): number | undefined {
  const given = headers['last-event-id']
  if (given === undefined || given === '') return undefined
  return typeof given === 'string' && /^\d{1,15}$/.test(given) ? Number(given) : Number.MAX_SAFE_INTEGER
}

export default eventRoutes
