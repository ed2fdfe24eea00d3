/** Which of several takes a value, the same in every process. */
import { hashText } from './string-hash.ts'

/**
 * Weighted rendezvous hashing (Schindelhauer and Schomaker, "Weighted Distributed Hash Tables", 2005): each gets its share of all values,
 * and changing one weight moves only the values that this one gains or loses. The index, or -1 when all weights are 0.
 */
export function stickyIndex(value: string, names: readonly string[], weights: readonly number[]): number {
  let best = -1
  let highest = Number.NEGATIVE_INFINITY
  for (let index = 0; index < names.length; index++) {
    const weight = weights[index]!
    if (weight <= 0) continue
    // Between 0 and 1, and neither of them.
    const share = ((hashText(`${names[index]}\0${value}`) >>> 0) + 0.5) / 2 ** 32
    const score = -weight / Math.log(share)
    if (score > highest) {
      highest = score
      best = index
    }
  }
  return best
}
