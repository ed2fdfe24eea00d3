/** How many keys there are at each depth: a lookup asks only at depths where there are any, however deep the request goes. */

/** Index: depth; value: how many. Never ends in a 0. */
export type LevelCounts = readonly number[]

/** The counts with one more, or one less, at `depth`. */
export function countLevel(counts: LevelCounts, depth: number, change: 1 | -1): LevelCounts {
  const next = [...counts]
  while (next.length <= depth) next.push(0)
  next[depth]! += change
  while (next.at(-1) === 0) next.pop()
  return next
}

/** The depths with a key as bits, for a lookup to read without following an object; bit 31 is for 31 and all that are deeper. */
export function toLevelBits(counts: LevelCounts): number {
  return counts.reduce((bits, count, depth) => (count > 0 ? bits | (1 << Math.min(depth, 31)) : bits), 0)
}

/** Whether there may be a key at `depth`. */
export function hasLevel(bits: number, depth: number): boolean {
  return (bits & (1 << Math.min(depth, 31))) !== 0
}

/** The greatest depth at which there may be a key, -1 when there is none. */
export function greatestLevel(bits: number): number {
  return bits < 0 ? Number.MAX_SAFE_INTEGER : 31 - Math.clz32(bits)
}
