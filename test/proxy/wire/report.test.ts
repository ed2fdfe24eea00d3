/** The comparison says what was judged. */
import t from 'tap'
import type { Outcome } from './column.ts'
import { ok } from './does.ts'
import { insertReport } from './report.ts'
import type { Terms } from './row.ts'
import { anything } from './sees.ts'
import { get } from './sends.ts'

const empty = 'before\n<!-- wire:begin, written by `npm run test:wire -- --write-docs` -->\nold\n<!-- wire:end -->\nafter\n'

function outcome(group: string, name: string, fault?: string, terms: Terms = {}): Outcome {
  return { row: { group, name, client: get(), target: ok, sees: anything, receives: anything, terms }, fault }
}

t.test('rows are counted by group and proxy, those of Sluice alone apart', async t => {
  const own = [outcome('a', 'one'), outcome('a', 'two', 'x', { gap: 'not yet' }), outcome('b', 'three', undefined, { ours: 'a rule' })]
  const other = [outcome('a', 'one', 'x'), outcome('a', 'two', 'y')]
  const text = insertReport(empty, [
    { name: 'Sluice', outcomes: own },
    { name: 'other 1.0', outcomes: other }
  ])
  t.match(text, '| a | 1/2 | 0/2 |  |\n')
  t.match(text, '| b |  |  | 1/1 |\n')
  t.match(text, '| **all** | 1/2 | 0/2 | 1/1 |\n')
  t.match(text, '- *a*: two (not yet)\n', 'a known gap is listed with its reason')
  t.match(text, '- *a*: one · two\n')
  t.notMatch(text, '\nold\n')
  t.ok(text.startsWith('before\n') && text.endsWith('<!-- wire:end -->\nafter\n'))
})

t.test('the clients that see a fault are listed behind it', async t => {
  const clients = ['HTTP/1.1', 'HTTP/1.0', 'HEAD'].flatMap(client => [`${client}, kept`, `${client}, closed`])
  const outcomes = [...clients.map(client => outcome('a', `resets; ${client}`, 'x')), outcome('a', 'ends; HEAD, kept', 'x')]
  t.match(insertReport(empty, [{ name: 'Sluice', outcomes }]), '- *a*: resets (every client) · ends (HEAD, kept)\n')
})

t.test('a document without the markers is not written to', async t => {
  t.throws(() => insertReport('nothing', [{ name: 'Sluice', outcomes: [] }]), /lacks/)
})
