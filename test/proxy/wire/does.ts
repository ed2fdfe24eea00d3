/** The words of the target's column. */
import type { Doing } from './row.ts'
import type { WireConnection } from './wire-target.ts'

/** A field that tells the target's answers from the proxy's own. */
export const mark = 'X-From: target'

/** An answer: status line, the mark, the fields, the body as it is. */
export function answer(status: string, fields: readonly string[] = [], body = '', version = 'HTTP/1.1'): string {
  return [`${version} ${status}`, mark, ...fields, '', body].join('\r\n')
}

/** Reads the whole request, then sends exactly this. */
export function sends(text: string): Doing {
  return async connection => {
    await connection.request()
    connection.send(text)
  }
}

/** Reads the whole request, sends this and ends the connection. */
export function sendsAndEnds(text: string): Doing {
  return async connection => {
    await connection.request()
    connection.send(text).end()
    await connection.gone()
  }
}

/** Reads the whole request, sends this and, when it had the time to arrive, resets the connection. */
export function sendsAndResets(text: string): Doing {
  return async connection => {
    await connection.request()
    await flushed(connection, text)
    connection.reset()
  }
}

/** Reads the whole request, sends this and then nothing more. */
export function sendsAndWaits(text: string): Doing {
  return async connection => {
    await connection.request()
    connection.send(text)
    await connection.gone()
  }
}

/** Answers 200 with `ok`. */
export const ok: Doing = sends(answer('200 OK', ['Content-Length: 2'], 'ok'))

/** Answers 200 with these fields besides. */
export const okWith = (...fields: string[]): Doing => sends(answer('200 OK', [...fields, 'Content-Length: 2'], 'ok'))

/** Answers 200 with what came as a body. */
export const mirror: Doing = async connection => {
  const { body } = await connection.request()
  connection.send(answer('200 OK', [`Content-Length: ${body.length}`], body))
}

/** The same, after 100 when the request expects that. */
export const continues: Doing = async connection => {
  if (/\r\nexpect: *100-continue\r\n/i.test(await connection.head())) connection.send('HTTP/1.1 100 Continue\r\n\r\n')
  await mirror(connection)
}

function flushed({ socket }: WireConnection, text: string): Promise<void> {
  return new Promise(resolve => {
    socket.write(text, 'latin1', () => resolve())
  })
}
