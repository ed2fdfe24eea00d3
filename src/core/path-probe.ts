/** A path as the index asks for it: the hashes of the whole and of every ancestor, computed in one pass. */
import { hashEnd, hashSeed, hashStep } from './string-hash.ts'

export class PathProbe {
  readonly path: string
  /** Of the whole path. */
  readonly hash: number
  /** Where the ancestors end: `/a/b` has `''`, `/a`, `/a/b`; index is the number of segments. A trailing slash ends none. */
  readonly ends: readonly number[]
  /** Their hashes. */
  readonly hashes: readonly number[]
  /** How many segments there are; a trailing slash begins an empty last one. */
  readonly segments: number

  constructor(path: string) {
    const ends: number[] = []
    const hashes: number[] = []
    let state = hashSeed
    for (let index = 0; index < path.length; index++) {
      const code = path.charCodeAt(index)
      if (code === 47 /* / */) {
        ends.push(index)
        hashes.push(hashEnd(state))
      }
      state = hashStep(state, code)
    }
    this.path = path
    this.hash = hashEnd(state)
    this.segments = ends.length
    if (ends.at(-1) !== path.length - 1) {
      ends.push(path.length)
      hashes.push(this.hash)
    }
    this.ends = ends
    this.hashes = hashes
  }

  /** Where the segment with this index, from 0, ends. */
  endOfSegment(index: number): number {
    return this.ends[index + 1] ?? this.path.length
  }
}
