/** Holds a write to the tests of all rules. */
import type { ConfigState } from '../core/config-state.ts'
import { brokenTests } from '../core/expectations.ts'
import { ExpectationFailedError, withFaults } from '../errors.ts'
import { type PlannedChange, rulePointer, type SentItem } from './planned-change.ts'

/** How many failures one answer lists at most. */
const listLimit = 50

/** @throws {ExpectationFailedError} with every test that the write would break */
export function checkTests(before: ConfigState, after: ConfigState, changes: readonly PlannedChange[], sent: readonly SentItem[]): void {
  const broken = brokenTests(
    before,
    after,
    changes.map(({ change }) => change),
    Date.now()
  )
  const faults = broken.slice(0, listLimit).map(({ rule, index, detail }) => ({
    pointer: `${rulePointer(rule.id, changes, sent)}/tests/${index}`,
    detail: `test ${index} of rule '${rule.id}': ${detail}`
  }))
  const [first] = faults
  if (first === undefined) return
  const others = broken.length > 1 ? ` (and ${broken.length - 1} more)` : ''
  throw withFaults(new ExpectationFailedError(`After this write a test would fail: ${first.detail}${others}`), faults)
}
