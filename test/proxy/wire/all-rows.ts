/** The whole table. */
import type { Row } from './row.ts'
import { abortRows } from './rows/aborts.ts'
import { answerRows } from './rows/answers.ts'
import { bodyRows } from './rows/bodies.ts'
import { brokenTargetRows } from './rows/broken-targets.ts'
import { hopByHopRows } from './rows/hop-by-hop.ts'
import { identityRows } from './rows/identity.ts'
import { pathRows } from './rows/paths.ts'
import { syntaxRows } from './rows/request-syntax.ts'
import { smugglingRows } from './rows/smuggling.ts'

export const allRows: readonly Row[] = [
  ...hopByHopRows,
  ...identityRows,
  ...pathRows,
  ...bodyRows,
  ...answerRows,
  ...brokenTargetRows,
  ...smugglingRows,
  ...syntaxRows,
  ...abortRows
]
