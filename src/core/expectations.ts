/** Which tests of a configuration fail, and which of them a change broke. Costs nothing for rules without tests. */
import { accepts, hostRankOf, matchesPath } from './accepts.ts'
import type { Kind } from './change.ts'
import type { CompiledTest } from './compile-tests.ts'
import type { ConfigState, LiveItem } from './config-state.ts'
import { toFacts } from './described-request.ts'
import type { CompiledMatch } from './match.ts'
import { failureOf } from './rule-test.ts'
import type { TestedRules } from './tested-rules.ts'

export interface FailedTest {
  /** The rule that the test belongs to. */
  readonly rule: LiveItem<'forward_rule'>
  /** Its place among the tests of the rule. */
  readonly index: number
  /** What was expected, and what happens. */
  readonly detail: string
}

/** Of more changed rules than this, asking which tests they concern costs more than running the tests. */
const narrowingLimit = 50

/** Every test that fails at `now` (milliseconds since the epoch), whatever the reason. */
export function failedTests(state: ConfigState, now: number): readonly FailedTest[] {
  return [...state.tested].flatMap(rule =>
    rule.compiled.tests.flatMap((test, index) => {
      const detail = failureOf(test, state.snapshot.index, now)
      return detail === undefined ? [] : [{ rule, index, detail }]
    })
  )
}

/**
 * The tests that fail after a change and that it has to answer for: those of the rules that it brought, and those that held before. What
 * failed already, or has come to fail as time went by, does not stand in the way of other changes.
 * @param changes what was changed; undefined when that is not known
 */
export function brokenTests(
  before: ConfigState,
  after: ConfigState,
  changes: Iterable<{ readonly kind: Kind; readonly id: string }> | undefined,
  now: number
): readonly FailedTest[] {
  if (after.tested.size === 0) return []
  const { ids, matches } = differences(before, after, changes === undefined ? after.tested.ids() : before.affectedRules(changes))
  const isNarrow = changes !== undefined && matches.length <= narrowingLimit
  const concerns = isNarrow ? concernOf(matches) : () => true
  const broken: FailedTest[] = []
  for (const rule of isNarrow ? rulesNear(after.tested, ids, matches) : after.tested) {
    const isNew = ids.has(rule.id)
    for (const [index, test] of rule.compiled.tests.entries()) {
      if (!isNew && !concerns(test, now)) continue
      const detail = failureOf(test, after.snapshot.index, now)
      const isBroken = detail !== undefined && (isNew || failureOf(test, before.snapshot.index, now) === undefined)
      if (isBroken) broken.push({ rule, index, detail })
    }
  }
  return broken
}

/** Those of the rules that are not the same before and after, and what both versions match. */
function differences(before: ConfigState, after: ConfigState, ids: Iterable<string>): { ids: Set<string>; matches: CompiledMatch[] } {
  const different = { ids: new Set<string>(), matches: [] as CompiledMatch[] }
  for (const id of ids) {
    const [was, is] = [before.get('forward_rule', id), after.get('forward_rule', id)]
    if (was === is) continue
    different.ids.add(id)
    for (const rule of [was, is]) if (rule?.item.enabled) different.matches.push(rule.compiled.match)
  }
  return different
}

function rulesNear(tested: TestedRules, ids: Iterable<string>, matches: readonly CompiledMatch[]): ReadonlySet<LiveItem<'forward_rule'>> {
  const near = new Set<LiveItem<'forward_rule'>>()
  for (const id of ids) if (tested.get(id) !== undefined) near.add(tested.get(id)!)
  for (const { path } of matches) for (const rule of tested.near(path)) near.add(rule)
  return near
}

// What becomes of a request depends on the rules that match it, and on no others. Host and path tell most of them apart, at little cost.
function concernOf(matches: readonly CompiledMatch[]): (test: CompiledTest, now: number) => boolean {
  return ({ request }, now) =>
    matches.some(
      match =>
        matchesPath(match.path, request.path.match) &&
        hostRankOf(match.hosts, request.host) !== undefined &&
        accepts(match, toFacts(request, now)) !== undefined
    )
}
