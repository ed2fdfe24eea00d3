/**
 * The floor: what proxying costs at the least in this runtime. A bare `node:http` server and one `undici` pool, with nothing but what a
 * correct proxy owes its two peers: hop-by-hop fields stripped (RFC 9110 section 7.6.1), bodies streamed both ways with back-pressure,
 * aborts passed on in both directions. No routing, no forwarding fields, no log.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'
import { proxyArguments } from './harness/proxy-arguments.ts'

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect'
])

const { port, target } = proxyArguments()
const pool = new Pool(target, { allowH2: false })

function endToEnd(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const nominated = headers.connection?.toLowerCase().split(/\s*,\s*/)
  const kept: IncomingHttpHeaders = {}
  for (const name in headers) if (!hopByHop.has(name) && !nominated?.includes(name)) kept[name] = headers[name]
  return kept
}

/** Passes one response on. One object per request: its methods are shared. */
class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse
  #controller: Dispatcher.DispatchController | undefined

  constructor(response: ServerResponse) {
    this.#response = response
    response.once('close', () => {
      if (!response.writableFinished) this.#controller?.abort(new Error('the client left'))
    })
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#response.destroyed) controller.abort(new Error('the client left'))
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    // The response is sent whole; interim ones (1xx) concern this hop only.
    if (status >= 200) this.#response.writeHead(status, endToEnd(headers))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#response.write(chunk)) return
    controller.pause()
    this.#response.once('drain', () => controller.resume())
  }

  onResponseEnd(): void {
    this.#response.end()
  }

  onResponseError(): void {
    if (this.#response.headersSent) this.#response.destroy()
    else this.#response.writeHead(502).end()
  }
}

function proxy(request: IncomingMessage, response: ServerResponse): void {
  const { method = 'GET', url: path = '/', headers } = request
  const hasBody = headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
  const body = hasBody ? request : null
  pool.dispatch({ method: method as Dispatcher.HttpMethod, path, headers: endToEnd(headers), body }, new Relay(response))
}

createServer(proxy).listen(port, '127.0.0.1', () => process.stdout.write('listening\n'))
