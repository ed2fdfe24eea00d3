import { hash } from 'node:crypto'

/** The text of a key is kept as it is up to so many characters. */
const longest = 64

/** Bounds what a client can make the gateway keep: of a long key, a digest. */
export function shortKey(key: string): string {
  return key.length <= longest ? key : `#${hash('sha256', key, 'base64url')}`
}
