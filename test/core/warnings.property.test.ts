/** What is reported of a change is so: held against the matcher, with rules and requests that meet often. */
import fc from 'fast-check'
import t from 'tap'
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { accepts } from '../../src/core/accepts.ts'
import type { CompiledRule } from '../../src/core/route.ts'
import { drained } from '../../src/core/route.ts'
import { Snapshot } from '../../src/core/snapshot.ts'
import { warningsOf } from '../../src/core/warnings.ts'
import { makeRule } from './make.ts'
import { paletteArbitrary, requestArbitrary, ruleArbitrary, toFacts } from './rule-arbitrary.ts'

const ids = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7']
const worlds = paletteArbitrary.chain(palette => {
  const rules = fc.tuple(...ids.map(id => ruleArbitrary(id, palette)))
  return fc.tuple(rules, fc.array(fc.constantFrom(...ids), { minLength: 1, maxLength: 3 }))
})
const requests = fc.array(requestArbitrary, { minLength: 40, maxLength: 40 })

function load(items: readonly ForwardRule[]): Snapshot {
  const addedRules = items.map((item, at) => makeRule(item, at + 1))
  return Snapshot.empty.with({ revision: 1, addedRules })
}

const counts = { unreachable: 0, overlap: 0, drained: 0 }

t.test('a rule that is reported as unreachable or drained is never chosen', async t => {
  const holds = fc.property(worlds, requests, ([items, changed], requests) => {
    const snapshot = load(items)
    const warnings = warningsOf(Snapshot.empty, snapshot, changed)
    for (const { code } of warnings) counts[code]++
    const never = warnings.filter(({ code }) => code !== 'overlap')
    if (never.length === 0) return
    for (const request of requests) {
      const route = snapshot.match(toFacts(request))
      const chosen = route === undefined || route === drained ? undefined : route.rule.id
      const wrong = never.find(({ rule }) => rule === chosen)
      if (wrong !== undefined) throw new Error(`${JSON.stringify(wrong)} takes ${JSON.stringify(request)}`)
    }
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 1_500 }))
})

t.test('what takes the requests of an unreachable rule matches all of them', async t => {
  const holds = fc.property(worlds, requests, ([items, changed], requests) => {
    const snapshot = load(items)
    const match = (id: string) => (snapshot.rule(id) as CompiledRule).match
    for (const { code, rule, other } of warningsOf(Snapshot.empty, snapshot, changed)) {
      if (code !== 'unreachable') continue
      const escaped = requests.find(
        request => accepts(match(rule), toFacts(request)) !== undefined && accepts(match(other!), toFacts(request)) === undefined
      )
      if (escaped !== undefined) throw new Error(`${other} leaves ${JSON.stringify(escaped)} to ${rule}`)
    }
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 600 }))
})

t.test('the rules of these tests give rise to every warning', async t => {
  t.comment(JSON.stringify(counts))
  for (const [code, count] of Object.entries(counts)) t.ok(count > 10, `${code}: ${count}`)
})
