/** What happens to a connection whose answer was complete before its request was. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { isHttp2, streamOf } from './inbound-http2.ts'

/**
 * Gives the client `lingerMs` from the end of the answer to finish its request, which node:http reads and drops, and ends the connection
 * when it has not. Closing at once would reset it, and a client that is still sending would never see the answer (RFC 9112 section 9.6).
 */
export function linger(request: IncomingMessage, response: ServerResponse, lingerMs: number): void {
  if (request.complete) return
  const { socket } = request
  if (!isHttp2(request)) closeInTwoSteps(socket, request)
  // With HTTP/2 the answer itself says so only when its stream is closed, and `destroy` of the socket closes the stream alone.
  const sent = isHttp2(request) ? streamOf(response) : response
  sent.once('finish', () => {
    if (request.complete) return
    const timer = setTimeout(() => {
      if (!request.complete) socket.destroy()
    }, lingerMs)
    const clear = () => clearTimeout(timer)
    request.once('end', clear)
    socket.once('close', clear)
  })
}

// After an answer that announces the close node:http ends the connection in both directions, and the system answers what then still comes
// with a reset. So our direction is ended first, and the other one with the request, or when the time is up.
function closeInTwoSteps(socket: Socket, request: IncomingMessage): void {
  const { destroySoon } = socket
  socket.destroySoon = () => {
    if (request.complete) return destroySoon.call(socket)
    socket.end()
    request.once('end', () => socket.destroy())
  }
}
