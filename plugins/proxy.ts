/** Does what the route says: forwards, redirects or responds. The one handler of the proxy. */
import { METHODS } from 'node:http'
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { linger } from '../src/upstream/linger.ts'
import { type OwnAnswer, sendOwnAnswer } from '../src/upstream/own-answer.ts'
import type { Upstream } from '../src/upstream/upstream.ts'

export interface ProxyOptions {
  /** Called instead of closing the upstream, when others use it, too. */
  readonly release?: () => Promise<void>
  /** Closed by this plugin, once the last connection of the app has ended. */
  readonly upstream: Upstream
}

const proxy: FastifyPluginCallback<ProxyOptions> = (app, { upstream, release = () => upstream.close() }, done) => {
  // Fastify shall not read bodies, nor judge their Content-Type: to it, no method has one.
  for (const method of METHODS) app.addHttpMethod(method, { hasBody: false, overrideExisting: true })
  app.route({
    method: METHODS.filter(method => method !== 'CONNECT'),
    // What `rewriteUrl` makes of every URL.
    url: '/',
    exposeHeadRoute: false,
    handler: (request, reply) => {
      if (!answerByRule(request, reply, upstream.lingerMs)) upstream.forward(request.raw, reply, request.exchange)
    }
  })
  // Errors leave through Fastify, often before the whole request has come.
  app.addHook('onSend', (request, reply, payload, next) => {
    linger(request.raw, reply.raw, upstream.lingerMs)
    next(null, payload)
  })
  // node:http closes connections that are idle when the server closes; the others are closed here as they become idle.
  app.addHook('preClose', next => {
    upstream.drain()
    next()
  })
  app.onExchangeEnd(() => {
    if (upstream.draining) app.server.closeIdleConnections()
  })
  // Hooks of this kind run before the server closes, while requests may still be under way.
  app.addHook('onClose', (_app, next) => {
    if (!app.server.listening) return void release().then(() => next())
    app.server.once('close', () => void release())
    next()
  })
  done()
}

/** Answers a request whose rule redirects or responds; false when it is to be forwarded. */
export function answerByRule(request: FastifyRequest, reply: FastifyReply, lingerMs: number): boolean {
  const { action } = request.route.rule
  if (action.type === 'redirect')
    answer(request, reply, { ...action, headers: [['location', request.route.location!]], body: '' }, lingerMs)
  else if (action.type === 'respond') answer(request, reply, action, lingerMs)
  else return false
  return true
}

function answer(request: FastifyRequest, reply: FastifyReply, own: OwnAnswer, lingerMs: number): void {
  reply.hijack()
  linger(request.raw, reply.raw, lingerMs)
  request.exchange.bytesSent = sendOwnAnswer(reply.raw, request.exchange, own)
}

// fp(): the route is for every request that is not upgraded.
export default fp(proxy, { name: 'proxy', fastify: '5.x', dependencies: ['router'] })
