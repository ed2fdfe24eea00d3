import { parseItem } from '../../src/control/parse-item.ts'
import { RequestFacts } from '../../src/core/facts.ts'
import { normalisePath } from '../../src/core/path.ts'
import type { LimitedRequest } from '../../src/limits/admission.ts'

const facts = new RequestFacts('GET', normalisePath('/a/b')!, '?secret=1', 'a', '10.0.0.7', {}, 0)

/** A request that has matched a rule with this `rate_limit`. */
export function toLimitedRequest(rate_limit: unknown): LimitedRequest {
  const parsed = parseItem({ kind: 'forward_rule', id: 'r1', item: { respond: {}, rate_limit }, seq: 1 })
  if (parsed.refused || parsed.kind !== 'forward_rule') throw new Error('not valid')
  return { rule: 'r1', facts, limits: parsed.compiled.limits, tierLimits: [] }
}
