/** How many keys there are at each depth: a lookup asks only at depths where there are any, however deep the request goes. */

/** Index: depth; value: how many. Never ends in a 0, so that the length is the greatest depth plus 1. */
export type LevelCounts = readonly number[]

/** The counts with one more, or one less, at `depth`. */
export function countLevel(counts: LevelCounts, depth: number, change: 1 | -1): LevelCounts {
  const next = [...counts]
  while (next.length <= depth) next.push(0)
  next[depth]! += change
  while (next.at(-1) === 0) next.pop()
  return next
}
