/** Cuts what a Redis server sends into its messages (RESP2 and RESP3). */

const simple = new Set('+-:_#,(')
const bulk = new Set('$!=')
const aggregate = new Set('*~>')

/** Where the message that begins at `at` ends; undefined when it is not there whole. @throws {Error} for what is no RESP */
export function messageEnd(bytes: Buffer, at = 0): number | undefined {
  const lineEnd = bytes.indexOf('\r\n', at)
  if (lineEnd === -1) return undefined
  const type = String.fromCharCode(bytes[at]!)
  const next = lineEnd + 2
  if (simple.has(type)) return next
  const size = Number(bytes.toString('latin1', at + 1, lineEnd))
  if (bulk.has(type)) return size < 0 ? next : within(bytes, next + size + 2)
  if (aggregate.has(type)) return elementsEnd(bytes, next, Math.max(0, size))
  if (type === '%') return elementsEnd(bytes, next, 2 * size)
  throw new Error(`no message of Redis begins with '${type}'`)
}

function elementsEnd(bytes: Buffer, at: number, count: number): number | undefined {
  let end: number | undefined = at
  for (let index = 0; index < count && end !== undefined; index++) end = messageEnd(bytes, end)
  return end
}

function within(bytes: Buffer, end: number): number | undefined {
  return end <= bytes.length ? end : undefined
}

/** Whether a message is something published on a channel. */
export function isPublished(message: Buffer): boolean {
  return /^[>*]3\r\n\$7\r\nmessage\r\n/.test(message.toString('latin1', 0, 20))
}
