import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { StoredItem } from '../../src/core/change.ts'
import { LastGoodFile } from '../../src/stores/last-good.ts'
import { tempFolder } from '../helpers/gateway.ts'

const rule = (at: number): StoredItem => ({
  kind: 'forward_rule',
  id: `r${at}`,
  item: { path: `/${at}`, respond: { body: 'é\n' } },
  seq: at
})
const items = (count: number) => Array.from({ length: count }, (_, at) => rule(at))
const set = { revision: 7, epoch: 'e', items: items(3) }

t.test('what was written is read again', async t => {
  const file = new LastGoodFile(join(tempFolder(t), 'deep', 'data'), 'redis://h/default')
  t.same(await file.read(), { found: 'nothing' })
  for (const count of [0, 3, 200, 201]) {
    await file.write({ ...set, items: items(count) })
    const read = await file.read()
    if (read.found !== 'configuration') return t.fail(read.found)
    t.same(read.set, { ...set, items: items(count) })
    t.match(read.savedAt, /^\d{4}-.*Z$/)
  }
  await file.write({ ...set, head: '2026-11-20T00:00:00.000Z' })
  t.match(await file.read(), { set: { head: '2026-11-20T00:00:00.000Z' } })
})

t.test('a damaged file is set aside and never obeyed', async t => {
  const damages: [string, (path: string) => void][] = [
    ['cut short', path => truncateSync(path, readFileSync(path).length - 20)],
    ['cut at a line', path => writeFileSync(path, `${readFileSync(path, 'utf8').split('\n').slice(0, 3).join('\n')}\n`)],
    ['empty', path => truncateSync(path, 0)],
    ['a digit changed', path => writeFileSync(path, readFileSync(path, 'utf8').replace('"path":"/1"', '"path":"/9"'))],
    ['more behind the end', path => appendFileSync(path, '{"kind":"forward_rule"}\n')],
    ['another format', path => writeFileSync(path, '{"format":"sluice-last-good-0","revision":1,"epoch":"e"}\n{"count":0}\n')],
    ['no JSON', path => writeFileSync(path, 'forward_rules: []\n')]
  ]
  for (const [name, damage] of damages) {
    const folder = tempFolder(t)
    const file = new LastGoodFile(folder, 's')
    await file.write(set)
    damage(file.path)
    const read = await file.read()
    t.equal(read.found, 'damage', name)
    if (read.found === 'damage') t.same(readdirSync(folder), [read.aside], 'it is kept for people to look at')
    t.same(await file.read(), { found: 'nothing' })
  }
})

t.test('files of different stores do not mix', async t => {
  const folder = tempFolder(t)
  await new LastGoodFile(folder, 'redis://a/default').write(set)
  t.same(await new LastGoodFile(folder, 'redis://b/default').read(), { found: 'nothing' })
})

t.test('a write that fails leaves the file as it was, and nothing else', async t => {
  const folder = tempFolder(t)
  const file = new LastGoodFile(folder, 's')
  await file.write(set)
  const broken = function* (): Generator<StoredItem> {
    yield* items(300)
    throw new Error('no more')
  }
  await t.rejects(file.write({ ...set, items: broken() }), /no more/)
  const read = await file.read()
  t.match(read, { found: 'configuration', set: { revision: 7 } })
  t.equal(readdirSync(folder).length, 1)
})

t.test('what a killed writer left behind is swept away, what a running one writes is not', async t => {
  const folder = tempFolder(t)
  const file = new LastGoodFile(folder, 's')
  await file.write(set)
  writeFileSync(`${file.path}.999999999.tmp`, 'half')
  writeFileSync(`${file.path}.${process.pid}.tmp`, 'under way')
  await file.sweep()
  t.equal(readdirSync(folder).length, 2)
})
