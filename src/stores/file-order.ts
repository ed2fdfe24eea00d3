/**
 * The age of the items of a file. In a file the upper of two items is the older one, but an item keeps its number through edits where
 * that is possible: a changed number is a change of the item.
 */

/** The distance between two numbers in a fresh list: 20 items can be put one by one into the same gap before the list is numbered anew. */
export const seqStep = 2 ** 20

/**
 * A number for each of `ids`, growing from first to last. The longest run of ids that are still in order keep theirs; the others get
 * numbers in between, or beyond `highest` at the end. Only where a gap is too small all are numbered anew.
 * @param previous the numbers so far
 * @param highest the largest number ever given, so that what was deleted and comes back is new
 */
export function assignSeqs(ids: readonly string[], previous: ReadonlyMap<string, number>, highest: number): number[] {
  const known = ids.map(id => previous.get(id))
  const kept = longestGrowing(known)
  const seqs = new Array<number>(ids.length)
  for (const index of kept) seqs[index] = known[index]!
  let before = -1
  for (const index of [...kept, ids.length]) {
    const room = spread(seqs[before], seqs[index], index - before - 1, highest)
    if (room === undefined) return ids.map((_, index) => (index + 1) * seqStep)
    for (const [offset, seq] of room.entries()) seqs[before + 1 + offset] = seq
    before = index
  }
  return seqs
}

/** `count` numbers between two neighbours, of which either may not be there; undefined when there is no room. */
function spread(low: number | undefined, high: number | undefined, count: number, highest: number): number[] | undefined {
  if (count === 0) return []
  let from = Math.max(low ?? 0, highest)
  let step = seqStep
  if (high !== undefined) {
    // Above the first item there is always room: numbers may be negative.
    from = low ?? high - seqStep * (count + 1)
    step = Math.floor((high - from) / (count + 1))
  }
  return step < 1 ? undefined : Array.from({ length: count }, (_, index) => from + step * (index + 1))
}

/** The indices of a longest strictly growing subsequence of the values that are there. Patience sorting, O(n log n). */
function longestGrowing(values: readonly (number | undefined)[]): number[] {
  /** tops[n]: where the subsequence of length n + 1 with the smallest last value ends. */
  const tops: number[] = []
  const previous: (number | undefined)[] = []
  for (const [index, value] of values.entries()) {
    if (value === undefined) continue
    const length = lowerBound(tops, top => values[top]! < value)
    previous[index] = tops[length - 1]
    tops[length] = index
  }
  const indices: number[] = []
  for (let index = tops.at(-1); index !== undefined; index = previous[index]) indices.push(index)
  return indices.reverse()
}

/** How many of the sorted `list` come before the first for which `isBelow` does not hold. */
function lowerBound(list: readonly number[], isBelow: (value: number) => boolean): number {
  let low = 0
  let high = list.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (isBelow(list[middle]!)) low = middle + 1
    else high = middle
  }
  return low
}
