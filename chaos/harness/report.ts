/** From findings to Markdown. */
import { availableParallelism, cpus } from 'node:os'
import type { Fault } from './fault.ts'
import type { Finding, Skipped } from './finding.ts'
import { toSeconds } from './writing.ts'

export interface Row {
  readonly fault: Pick<Fault, 'title' | 'meaning'>
  readonly finding: Finding | Skipped
}

/** The table. */
export function toTable(rows: readonly Row[]): string {
  return ['| fault | requests | failed | current again | `/health` said | |', '|---|--:|--:|--:|---|---|', ...rows.map(toLine)].join('\n')
}

function toLine({ fault, finding }: Row): string {
  const cells = 'skipped' in finding ? ['', '', '', '', `not tried: ${finding.skipped}`] : cellsOf(finding)
  return `| ${[fault.title, ...cells].map(escapeCell).join(' | ')} |`
}

function cellsOf({ requests, failed, currentMs, health, measured, broken }: Finding): string[] {
  const count = Object.values(failed).reduce((sum, number) => sum + number, 0)
  const notes = [...measured, ...broken.map(promise => `**did not hold: ${promise}**`)]
  return [requests.toLocaleString('en'), String(count), currentMs === undefined ? '' : toSeconds(currentMs), health, notes.join('; ')]
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** What each row means. */
export function toMeanings(rows: readonly Row[]): string {
  return rows.map(({ fault }) => `- **${fault.title}.** ${fault.meaning}`).join('\n')
}

/** When and on what, in one line. `loads` are the load averages before each fault. */
export function conditions(loads: readonly number[]): string {
  const machine = `${availableParallelism()} cores (${cpus()[0]?.model.trim() ?? 'unknown processor'}), Node ${process.versions.node}`
  const others = `load average of the machine before each fault ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`
  return `Measured on ${machine}; everything on this one machine; ${others}.`
}

const begin = '<!-- chaos:begin -->'
const end = '<!-- chaos:end -->'

/** `document` with `text` between the markers. @throws {Error} when they are not there */
export function withReport(document: string, text: string): string {
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from === -1 || to < from) throw new Error(`the document lacks ${begin} and ${end}`)
  return `${document.slice(0, from + begin.length)}\n${text}\n${document.slice(to)}`
}
