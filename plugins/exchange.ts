/**
 * Follows each request of the proxy to its end, however it ends: answered, broken off by the target, left by the client. `onResponse` is
 * not called when the client leaves first, so this listens to the raw response.
 */
import type { FastifyPluginCallback, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { Route } from '../src/core/route.ts'
import { Exchange } from '../src/upstream/exchange.ts'

/** Called once for each request, when its exchange is over. */
export type ExchangeListener = (request: FastifyRequest, reply: FastifyReply) => void

declare module 'fastify' {
  interface FastifyInstance {
    /** Registers a listener for the end of every exchange. Only before the start. */
    onExchangeEnd(listener: ExchangeListener): void
  }
  interface FastifyRequest {
    exchange: Exchange
    /** The route this request follows, even when the rules change before it ends. Set by the router. */
    readonly route: Route
  }
}

const exchange: FastifyPluginCallback = (app, _options, done) => {
  const listeners: ExchangeListener[] = []
  app.decorate('onExchangeEnd', (listener: ExchangeListener) => void listeners.push(listener))
  app.decorateRequest('exchange')
  app.decorateRequest('route', {
    getter(this: FastifyRequest) {
      return this.exchange.route!
    }
  })
  app.addHook('onRequest', (request, reply, next) => {
    const current = new Exchange(request.id, performance.now())
    request.exchange = current
    onceClosed(request, reply, () => {
      current.isOver = true
      current.upstream?.cancel()
      if (current.releases !== undefined) for (const release of current.releases) release()
      for (const listener of listeners) listener(request, reply)
    })
    next()
  })
  // Answers through Fastify: errors, mostly. The others are counted where they are written.
  app.addHook('onSend', ({ exchange, method }, _reply, payload, next) => {
    if (method !== 'HEAD' && (typeof payload === 'string' || Buffer.isBuffer(payload))) exchange.bytesSent = Buffer.byteLength(payload)
    next(null, payload)
  })
  done()
}

function onceClosed({ raw: request }: FastifyRequest, { raw: response }: FastifyReply, listener: () => void): void {
  if (response.socket !== null) return void response.on('close', listener)
  // A pipelined request whose answer waits for its turn: until it gets the socket, it does not hear of the connection's end.
  const { socket } = request
  const end = (): void => {
    response.off('close', end)
    socket.off('close', end)
    listener()
  }
  response.once('close', end)
  socket.setMaxListeners(0).once('close', end)
}

// fp(): the hook is for every request of the app.
export default fp(exchange, { name: 'exchange', fastify: '5.x', dependencies: ['request-id'] })
