/** Names for requests. */
import { randomBytes } from 'node:crypto'

const wellFormed = /^[A-Za-z0-9._~+/=:@-]{1,128}$/

/** Whether a client's own id may be taken: it ends up in logs and headers. */
export function isRequestId(text: unknown): text is string {
  return typeof text === 'string' && wellFormed.test(text)
}

/**
 * Makes ids of a part that is random for this process and a counter: `1f16pel7kqb8i-42`. Unique over all instances, and far cheaper than a
 * random number for each; they do not have to be hard to guess.
 */
export function createIdSource(): () => string {
  const prefix = BigInt(`0x${randomBytes(8).toString('hex')}`)
    .toString(36)
    .padStart(13, '0')
  let counter = 0
  return () => `${prefix}-${++counter}`
}
