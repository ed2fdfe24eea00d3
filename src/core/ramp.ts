/** The weights of a group of which one rule shall get a share, while the others share the rest as they did before. */

/** Of a rule (`schemas/forward-rule.ts`). */
const maxWeight = 1000

export type Weights = Readonly<Record<string, number>>

/**
 * @param before the weights of the group; the others have a sum above 0
 * @param rule the one that gets at most `percent` of the traffic: as near as weights from 0 to 1000 come
 */
export function rampWeights(before: Weights, rule: string, percent: number): Weights {
  const others = Object.entries(before).filter(([id]) => id !== rule)
  if (percent >= 100) return { ...Object.fromEntries(others.map(([id]) => [id, 0])), [rule]: maxWeight }
  const odds = percent / (100 - percent)
  const scaled = scale(others, odds)
  const sum = scaled.reduce((total, [, weight]) => total + weight, 0)
  return { ...Object.fromEntries(scaled), [rule]: Math.min(maxWeight, Math.floor(odds * sum)) }
}

// A multiple keeps the shares of the others exactly; the greatest that fits makes the share of the rule exact. Where none fits, the others
// are made smaller, and never 0.
function scale(others: readonly (readonly [string, number])[], odds: number): readonly (readonly [string, number])[] {
  const sum = others.reduce((total, [, weight]) => total + weight, 0)
  const greatest = Math.max(...others.map(([, weight]) => weight))
  const factor = maxWeight / Math.max(greatest, odds * sum)
  const multiple = factor >= 1 ? Math.floor(factor) : factor
  return others.map(([id, weight]) => [id, weight === 0 ? 0 : Math.max(1, Math.floor(weight * multiple))])
}
