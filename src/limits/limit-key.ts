import { hash } from 'node:crypto'

/** A longer text stands as its digest: what a client sends must not decide how large a key is. */
const longest = 64

/** The key of one counter in Redis. Keys of different algorithms never meet: they hold different things. */
export function limitKey(prefix: string, algorithm: string, id: string, key: string): string {
  return `${prefix}${algorithm}:${bounded(id)}:${bounded(key)}`
}

// The sign in front keeps a text from passing for the digest of another, and a colon in one from standing for the one between.
function bounded(text: string): string {
  return text.length > longest ? `#${hash('sha256', text, 'base64url')}` : `${text.length}=${text}`
}
