/** The comparison as Markdown. */
import type { Column, Outcome } from './column.ts'

const begin = '<!-- wire:begin, written by `npm run test:wire -- --write-docs` -->'
const end = '<!-- wire:end -->'

const clientOfProduct = /; ((?:HTTP\/1\.[01]|HEAD), (?:kept|closed))$/
const clientsOfProduct = 6

/** Puts the comparison between the markers of a document. @throws when it has none */
export function insertReport(document: string, columns: readonly Column[]): string {
  const from = document.indexOf(begin)
  const to = document.indexOf(end)
  if (from === -1 || to === -1) throw new Error(`the document lacks ${begin} or ${end}`)
  return `${document.slice(0, from + begin.length)}\n\n${toMarkdown(columns)}\n${document.slice(to)}`
}

/** The first column is Sluice's: its groups are the table's, and only it has rows of its own. */
function toMarkdown(columns: readonly Column[]): string {
  const own = columns[0]!
  const groups = [...new Set(own.outcomes.map(({ row }) => row.group))]
  const head = ['Rows held', ...columns.map(({ name }) => name), 'Sluice alone']
  const lines = [...groups.map(group => line(group, columns, ({ row }) => row.group === group)), line('**all**', columns, () => true)]
  const table = [head, head.map((_, index) => (index === 0 ? '---' : '--:')), ...lines].map(cells => `| ${cells.join(' | ')} |`)
  return [...table, '', ...columns.flatMap(column => failures(column))].join('\n')
}

function line(name: string, columns: readonly Column[], belongs: (outcome: Outcome) => boolean): string[] {
  const count = (outcomes: readonly Outcome[]): string =>
    outcomes.length === 0 ? '' : `${outcomes.filter(({ fault }) => fault === undefined).length}/${outcomes.length}`
  const shared = columns.map(({ outcomes }) => count(outcomes.filter(outcome => belongs(outcome) && outcome.row.terms.ours === undefined)))
  const alone = columns[0]!.outcomes.filter(outcome => belongs(outcome) && outcome.row.terms.ours !== undefined)
  return [name, ...shared, count(alone)]
}

function failures({ name, outcomes }: Column): string[] {
  const failed = outcomes.filter(({ fault }) => fault !== undefined)
  if (failed.length === 0) return [`### ${name}: holds every row`, '']
  const groups = Map.groupBy(failed, ({ row }) => row.group)
  const items = [...groups].map(([group, outcomes]) => `- *${group}*: ${merged(outcomes).join(' · ')}`)
  return [`### ${name}: ${failed.length} ${failed.length === 1 ? 'row does' : 'rows do'} not hold`, '', ...items, '']
}

/** Rows of a product are named `fault; client`: the clients of a fault are listed behind it. */
function merged(outcomes: readonly Outcome[]): string[] {
  const faults = Map.groupBy(outcomes, outcome => toText(outcome).replace(clientOfProduct, ''))
  return [...faults].map(([fault, outcomes]) => {
    const clients = outcomes.flatMap(outcome => clientOfProduct.exec(toText(outcome))?.[1] ?? [])
    if (clients.length === 0) return fault
    return clients.length === clientsOfProduct ? `${fault} (every client)` : `${fault} (${clients.join('; ')})`
  })
}

function toText({ row: { name, terms } }: Outcome): string {
  const text = name
    .replace(/[\\`*_[\]<>|#~]/g, '\\$&')
    .replace(/[^\x20-\x7e]/g, char => `\\\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return terms.gap === undefined ? text : `${text} (${terms.gap})`
}
