/** What happens to a connection whose answer was complete before its request was. */
import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Gives the client `lingerMs` from the end of the answer to finish its request, which node:http reads and drops, and ends the connection
 * when it has not. Closing at once would reset it, and a client that is still sending would never see the answer (RFC 9112 section 9.6).
 */
export function linger(request: IncomingMessage, response: ServerResponse, lingerMs: number): void {
  if (request.complete) return
  const { socket } = request
  response.once('finish', () => {
    if (request.complete) return
    const timer = setTimeout(() => {
      if (!request.complete) socket.destroy()
    }, lingerMs)
    const clear = () => clearTimeout(timer)
    request.once('end', clear)
    socket.once('close', clear)
  })
}
