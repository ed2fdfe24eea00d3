/**
 * Smooth weighted round robin, as nginx has it (commit 52327e0627f49dbda1e8db695e63a4b0af4448b1): at each turn everyone gains its weight,
 * the richest takes the turn and pays the total. Turns are interleaved and exact over each cycle of the total weight.
 */

/** The live state of one participant. Kept when the others, or the weights, change. */
export interface Turn {
  current: number
}

/** The index of who is next, or -1 when all weights are 0. Changes the state unless it only peeks. */
export function nextTurn(turns: readonly Turn[], weights: readonly number[], peek = false): number {
  let total = 0
  let best = -1
  let richest = 0
  for (let index = 0; index < turns.length; index++) {
    const weight = weights[index]!
    if (weight <= 0) continue
    const wealth = turns[index]!.current + weight
    total += weight
    if (!peek) turns[index]!.current = wealth
    if (best === -1 || wealth > richest) {
      best = index
      richest = wealth
    }
  }
  if (best !== -1 && !peek) turns[best]!.current -= total
  return best
}
