/** `?strict=true`: warnings as a refusal. */
import type { Warning } from '../core/warnings.ts'
import { StrictWarningsError, withFaults } from '../errors.ts'
import { type PlannedChange, rulePointer } from './planned-change.ts'

/** The error that lists `warnings`, of which there is at least one. Each points at the rule that was written. */
export function strictWarnings(warnings: readonly Warning[], changes: readonly PlannedChange[]): Error {
  const written = new Set(changes.map(({ change }) => change.id))
  const faults = warnings.map(({ code, rule, other, detail }) => {
    const id = other !== null && !written.has(rule) ? other : rule
    return { pointer: rulePointer(id, changes), detail: `${code}: ${detail}` }
  })
  const others = faults.length > 1 ? ` (and ${faults.length - 1} more)` : ''
  return withFaults(new StrictWarningsError(`The write would leave a warning: ${faults[0]!.detail}${others}`), faults)
}
