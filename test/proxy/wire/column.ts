/** Runs the table against one proxy: a column of the comparison. */
import { type Bench, judge } from './judge.ts'
import type { Row } from './row.ts'

export interface Outcome {
  readonly row: Row
  /** What was wrong; undefined when the row held. */
  readonly fault: string | undefined
}

export interface Column {
  /** With its version. */
  readonly name: string
  readonly outcomes: readonly Outcome[]
}

/** Runs the rows one after the other. `onOutcome` hears of each as soon as it is judged. */
export async function runColumn(name: string, rows: readonly Row[], bench: Bench, onOutcome?: (outcome: Outcome) => void): Promise<Column> {
  const outcomes: Outcome[] = []
  for (const row of rows) {
    const outcome = { row, fault: await judge(row, bench) }
    outcomes.push(outcome)
    onOutcome?.(outcome)
  }
  return { name, outcomes }
}
