/** What is not as the store's configuration wants it: items that cannot be live, and rules that are live with tests that fail. */
import type { ConfigState } from '../core/config-state.ts'
import { type FailedTest, failedTests } from '../core/expectations.ts'
import type { Quarantined } from '../core/live-item.ts'

/** @param now milliseconds since the epoch, for tests that do not say when */
export function configProblems(state: ConfigState, now: number): readonly Quarantined[] {
  return [...state.problems, ...failingRules(failedTests(state, now))]
}

/** One problem per rule. Nothing is held back because of it: the rule itself is live. */
export function failingRules(failed: readonly FailedTest[]): readonly Quarantined[] {
  const byRule = Map.groupBy(failed, ({ rule }) => rule)
  return [...byRule].map(([{ kind, id, revision }, tests]) => ({
    kind,
    id,
    code: 'expectation_failed',
    faults: tests.map(({ index, detail }) => ({ pointer: `/tests/${index}`, detail })),
    previousLive: true,
    revision
  }))
}
