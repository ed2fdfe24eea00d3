import type { Socket } from 'node:net'

/**
 * Ends a connection with RST, unless its end is under way already: resetting it then makes Node 24 wait for ever, at full load, when the
 * process is to end (the shutdown request of the socket never comes back).
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
