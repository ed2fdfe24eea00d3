/** A 32-bit hash of text, equal in every process. FNV-1a per character, murmur3's finaliser so that every bit counts. */

/** The state before the first character. */
export const hashSeed = 0x811c9dc5 | 0

/** The state after one more character: a prefix is hashed on the way to the whole. */
export function hashStep(state: number, charCode: number): number {
  return Math.imul(state ^ charCode, 0x01000193)
}

/** The hash of what was fed into `state`. */
export function hashEnd(state: number): number {
  let hash = state
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

/** The hash of a whole text, as a signed 32-bit integer. */
export function hashText(text: string): number {
  let state = hashSeed
  for (let index = 0; index < text.length; index++) state = hashStep(state, text.charCodeAt(index))
  return hashEnd(state)
}
