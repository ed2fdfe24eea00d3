/**
 * WebSockets, by `@fastify/http-proxy`: it takes the upgrade through the hooks of the app to its route, lets the client in with `ws`, and
 * reconnects lost targets where a rule asks for that. It would let the client in before it asks the target, and pass messages on without
 * regard to who reads them; so before its route the target is asked, and the link of the two is ours (`src/upstream/websocket-link.ts`).
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import httpProxy from '@fastify/http-proxy'
import type { FastifyPluginCallback, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { WebSocket, WebSocketServer } from 'ws'
import type { Metrics } from '../src/control/metrics.ts'
import { UpgradeRequiredError } from '../src/errors.ts'
import type { Connections } from '../src/upstream/connections.ts'
import { isInForce, type Live, type Upstream } from '../src/upstream/upstream.ts'
import { socketOptions } from '../src/upstream/websocket-handshake.ts'
import { ReconnectingLink } from '../src/upstream/websocket-reconnect.ts'
import { faultOfHandshake, isWebSocketRequest } from '../src/upstream/websocket-request.ts'
import { WebSockets } from '../src/upstream/websockets.ts'
import { answerByRule } from './proxy.ts'

export interface WebSocketOptions {
  readonly upstream: Upstream
  readonly connections: Connections
  readonly metrics: Pick<Metrics, 'watchConnections'>
  readonly live: Live
}

/** How often what was counted for rules that are gone is looked for, in milliseconds. */
const sweepMs = 60_000

/** What `rewriteUrl` makes of a request that is upgraded. */
export const webSocketUrl = '/websocket'

/** The object that `@fastify/http-proxy` keeps for its WebSockets, at `reply.wsProxy`. It has no type there. */
interface LibraryProxy {
  readonly wss: WebSocketServer
  handleUpgrade(request: FastifyRequest, destination: string, done: () => void): void
  handleConnection(client: WebSocket, request: FastifyRequest, destination: string): void
}

const websocket: FastifyPluginCallback<WebSocketOptions> = (app, { upstream, connections, metrics, live }, done) => {
  const sockets = new WebSockets(upstream, connections)
  // node:http has let go of the socket: an error that nobody hears would end the process.
  app.server.prependListener('upgrade', (_request: IncomingMessage, socket: Duplex) => {
    socket.on('error', () => undefined)
    connections.watch(socket)
  })
  // The option of this name of `node:http`, put where every kind of server looks for it.
  Object.assign(app.server, { shouldUpgradeCallback: isWebSocketRequest })
  let isAdapted = false
  app.register(httpProxy, {
    upstream: '',
    websocket: true,
    routes: [webSocketUrl],
    httpMethods: ['GET'],
    proxyPayloads: false,
    wsServerOptions: { handleProtocols: (_offered, raw) => sockets.admissionOf(raw)?.protocol || false },
    preHandler: (request, reply, next) => {
      if (!isAdapted) adapt((reply as unknown as { readonly wsProxy: LibraryProxy }).wsProxy, sockets)
      isAdapted = true
      reply.raw.shouldKeepAlive = false
      if (answerByRule(request, reply, upstream.lingerMs)) return
      const fault = faultOfHandshake(request.raw)
      if (fault === undefined) return sockets.admit(request.raw, reply, request.exchange, next)
      // RFC 9110 section 15.5.22, RFC 6455 section 4.4.
      if (fault instanceof UpgradeRequiredError)
        reply.headers({ 'sec-websocket-version': '13', upgrade: 'websocket', connection: 'upgrade, close' })
      reply.send(fault)
    }
  })
  // Answers of errors, wherever they come from: this connection has left HTTP.
  app.addHook('onSend', (request, reply, payload, next) => {
    if (request.url === webSocketUrl) reply.raw.shouldKeepAlive = false
    next(null, payload)
  })
  metrics.watchConnections(connections)
  const sweeper = setInterval(() => {
    if (live.snapshot !== undefined) connections.retain(rule => isInForce(live, snapshot => snapshot.rule(rule) !== undefined))
  }, sweepMs).unref()
  // An upgraded connection is nothing that a closing server waits for or ends.
  app.addHook('preClose', next => {
    clearInterval(sweeper)
    connections.closeAll(1001, 'going away')
    next()
  })
  done()
}

/** Puts our steps where the library takes its own: the limits of the rule before a client is let in, the link after that. */
function adapt(library: LibraryProxy, sockets: WebSockets): void {
  const { wss } = library
  const handleUpgrade = library.handleUpgrade.bind(library)
  const { handleConnection } = library
  library.handleUpgrade = (request, destination, done) => {
    const admission = sockets.admissionOf(request.raw)!
    // Read by `wss` before it returns.
    Object.assign(wss.options, socketOptions(admission.rule.websocket))
    handleUpgrade(request, destination, done)
  }
  library.handleConnection = (client, request, destination) => {
    // The library would keep the server listening until the last of these is closed.
    wss.clients.delete(client)
    const admission = sockets.take(request.raw)
    admission.response.statusCode = 101
    if (admission.target !== undefined) return sockets.join(client, admission)
    sockets.open(admission, options => {
      const link = new ReconnectingLink(client, admission.request, options)
      // The options of this rule in place of those of the plugin.
      handleConnection.call(Object.assign(Object.create(library), link.libraryOptions), link as unknown as WebSocket, request, destination)
      return link
    })
  }
  wss.on('headers', (lines, raw) => lines.push(...(sockets.admissionOf(raw)?.lines ?? [])))
}

export default fp(websocket, { name: 'websocket', fastify: '5.x', dependencies: ['proxy'] })
