/** What the file store makes of edits by hand, in all the ways in which files are saved. */
import { appendFile, mkdir, readFile, rename, rm, stat, symlink, truncate, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Commit, CommittedChange } from '../../src/core/change.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { createFileDir, type FileDir, rulesText } from './file-dir.ts'
import { type Observed, observe } from './observe.ts'

const isUp = ({ states }: Observed): boolean => states.at(-1)?.up === true
const isDown = ({ states }: Observed): boolean => states.at(-1)?.up === false
const brief = ({ op, id }: CommittedChange): string => `${op} ${id}`

async function watched(t: Test, text: string): Promise<FileDir & { observed: Observed; next: () => Promise<Commit> }> {
  const files = await createFileDir(t, text)
  const store = files.open()
  await store.load()
  const observed = await observe(store)
  let seen = 0
  const next = async (): Promise<Commit> => {
    seen += 1
    await observed.until(`commit ${seen}`, ({ commits }) => commits().length >= seen)
    t.equal(observed.commits().length, seen, 'one edit is one commit')
    return observed.commits()[seen - 1]!
  }
  return { ...files, observed, next }
}

t.test('a file saved in place becomes a commit of what differs', async t => {
  const { path, next } = await watched(t, rulesText('a', 'b'))
  await writeFile(path, rulesText('a', 'c').replace('path: /a', 'path: /aa'))
  const commit = await next()
  t.match(commit, { revision: 2, by: 'file' })
  t.same(commit.changes.map(brief).sort(), ['delete b', 'put a', 'put c'])
  t.match(
    commit.changes.find(({ id }) => id === 'a'),
    { item: { id: 'a', path: '/aa' } }
  )
  await appendFile(path, '# a comment\n')
  await appendFile(path, '')
  await writeFile(path, `${rulesText('a', 'c', 'd')}`.replace('path: /a', 'path: /aa'))
  t.same((await next()).changes.map(brief), ['put d'], 'and one of comments is no commit')
})

t.test('a file saved by renaming another over it is followed, again and again', async t => {
  const { dir, path, next } = await watched(t, rulesText('a'))
  for (const id of ['b', 'c', 'd']) {
    await writeFile(join(dir, 'new'), rulesText('a', id))
    await rename(join(dir, 'new'), path)
    t.ok((await next()).changes.map(brief).includes(`put ${id}`))
  }
})

t.test('a ConfigMap that is swapped by its symbolic link is followed, again and again', async t => {
  const { dir, open } = await createFileDir(t)
  const publish = async (version: string, text: string): Promise<void> => {
    await mkdir(join(dir, version))
    await writeFile(join(dir, version, 'sluice.yaml'), text)
    await symlink(version, join(dir, '..data_tmp'))
    await rename(join(dir, '..data_tmp'), join(dir, '..data'))
  }
  await publish('..2026_1', rulesText('a'))
  await symlink(join('..data', 'sluice.yaml'), join(dir, 'sluice.yaml'))
  const store = open()
  await store.load()
  const observed = await observe(store)
  for (const [index, id] of ['b', 'c'].entries()) {
    await publish(`..2026_${index + 2}`, rulesText(id))
    await rm(join(dir, `..2026_${index + 1}`), { recursive: true })
    await observed.until(`${id} arrives`, ({ commits }) => commits().some(({ changes }) => changes.map(brief).includes(`put ${id}`)))
  }
  t.same(
    (await store.load()).items.map(({ id }) => id),
    ['c']
  )
  t.ok(isUp(observed))
})

t.test('a linked file edited in its own directory is followed', async t => {
  const { dir, path, open } = await createFileDir(t)
  await mkdir(join(dir, 'elsewhere'))
  await writeFile(join(dir, 'elsewhere', 'real.yaml'), rulesText('a'))
  await symlink(join('elsewhere', 'real.yaml'), path)
  const observed = await observe(open())
  await writeFile(join(dir, 'elsewhere', 'real.yaml'), rulesText('a', 'b'))
  await observed.until('the commit', ({ commits }) => commits().length === 1)
  t.same(observed.commits()[0]!.changes.map(brief), ['put b'])
})

t.test('a half-written file changes nothing until it is complete', async t => {
  const { path, observed, next } = await watched(t, rulesText('a', 'b'))
  const text = rulesText('a', 'b', 'c')
  await writeFile(path, text.slice(0, text.indexOf('id: c')).replace(/ {2}- $/, '  - "'))
  await observed.until('down', isDown)
  t.match(observed.states.at(-1)?.reason, /^sluice\.yaml:\d+:\d+ /)
  t.same(observed.commits(), [])
  await writeFile(path, text)
  t.same((await next()).changes.map(brief), ['put c'])
  t.ok(isUp(observed))
})

t.test('an emptied file never means "delete everything"', async t => {
  const { path, observed, next } = await watched(t, rulesText('a', 'b'))
  await truncate(path)
  await observed.until('down', isDown)
  t.equal(observed.states.at(-1)?.reason, 'sluice.yaml: the file is empty')
  await writeFile(path, '# to be filled\n')
  await observed.until('a file of comments is empty too', ({ states }) => states.at(-1)?.up === false)
  const noticed = observed.notices.length
  await writeFile(path, rulesText('a', 'b'))
  await observed.until('up', isUp)
  await observed.until('a notice after the return', ({ notices }) => notices.length > noticed)
  t.same(observed.commits(), [])
  await writeFile(path, rulesText())
  t.same((await next()).changes.map(brief).sort(), ['delete a', 'delete b'], 'lists that are empty do')
})

t.test('a deleted file is kept in force and is not made anew', async t => {
  const { path, observed, next, open } = await watched(t, rulesText('a'))
  await unlink(path)
  await observed.until('down', isDown)
  t.equal(observed.states.at(-1)?.reason, 'sluice.yaml: the file is missing')
  await t.rejects(stat(path), { code: 'ENOENT' })
  await writeFile(path, rulesText('a', 'b'))
  t.same((await next()).changes.map(brief), ['put b'])
  t.ok(isUp(observed))
  t.equal((await open().load()).items.length, 2)
})

t.test('a directory that is replaced is followed', async t => {
  const { dir, open } = await createFileDir(t)
  const path = join(dir, 'conf', 'sluice.yaml')
  await mkdir(join(dir, 'conf'))
  await writeFile(path, rulesText('a'))
  const observed = await observe(open(path))
  await rename(join(dir, 'conf'), join(dir, 'old'))
  await mkdir(join(dir, 'conf'))
  await writeFile(path, rulesText('b'))
  await observed.until('the new content', ({ commits }) => commits().length === 1)
  await writeFile(path, rulesText('b', 'c'))
  await observed.until('an edit in the new directory', ({ commits }) => commits().length === 2)
  t.same(observed.commits()[1]!.changes.map(brief), ['put c'])
})

t.test('a key that is there twice is refused with its place', async t => {
  const { path, observed } = await watched(t, rulesText('a'))
  await writeFile(path, rulesText('a', 'b').replace('    path: /b\n', '    path: /b\n    path: /c\n'))
  await observed.until('down', isDown)
  t.equal(observed.states.at(-1)?.reason, 'sluice.yaml:7:5 duplicate key "path"')
  await writeFile(path, rulesText('a').replace('services', 'servces'))
  await observed.until('another reason', ({ states }) => /servces/.test(states.at(-1)?.reason ?? ''))
  t.same(observed.commits(), [])
})

t.test('an item that cannot be addressed is a fault of its own and hurts no other', async t => {
  const { path, open } = await createFileDir(
    t,
    `forward_rules:
  - {id: a, path: /first}
  - {path: /nameless}
  - {id: a, path: /second}
  - just text
  - {id: 7}
  - {id: b, path: /b}
services: [{id: ''}]
`
  )
  const store = open()
  const { items } = await store.load()
  const found = items.map(({ kind, id, item, fault }) => ({ kind, id, item, fault }))
  const rule = (id: string, item: unknown, fault?: RegExp) => ({ kind: 'forward_rule', id, item, fault })
  t.match(
    new Map(found.map(item => [item.id, item])),
    new Map([
      ['a', rule('a', { path: '/first' })],
      ['forward_rules.1', rule('forward_rules.1', undefined, /no id/)],
      ['a~2', rule('a~2', undefined, /same id/)],
      ['forward_rules.3', rule('forward_rules.3', undefined, /no id/)],
      ['forward_rules.4', rule('forward_rules.4', undefined, /no id/)],
      ['b', rule('b', { path: '/b' })],
      ['services.0', { kind: 'service', id: 'services.0', item: undefined, fault: /no id/ }]
    ])
  )
  t.equal(items.length, 7)

  await store.commit([{ op: 'delete', kind: 'forward_rule', id: 'a' }], 'anna')
  t.notMatch(await readFile(path, 'utf8'), /first|second/, 'deleting an id deletes all that are called so')
  t.match((await store.load()).items.map(({ id }) => id).sort(), [
    'b',
    'forward_rules.0',
    'forward_rules.1',
    'forward_rules.2',
    'services.0'
  ])
  await store.commit([{ op: 'delete', kind: 'forward_rule', id: 'forward_rules.0' }], 'anna')
  t.notMatch(await readFile(path, 'utf8'), /nameless/)
  t.same((await store.load()).items.map(({ id }) => id).sort(), ['b', 'forward_rules.0', 'forward_rules.1', 'services.0'])
})

t.test('the upper of two rules is the older, and an edit elsewhere does not change that', async t => {
  const { path, next, open } = await watched(t, rulesText('a', 'b'))
  const store = open()
  await writeFile(path, rulesText('a', 'x', 'b'))
  t.same((await next()).changes.map(brief), ['put x'])
  await writeFile(path, rulesText('b', 'a', 'x'))
  t.same((await next()).changes.map(brief), ['put b'], 'a rule that moved is a change of that rule')
  const { items } = await store.load()
  t.same(
    [...items].sort((one, other) => one.seq - other.seq).map(({ id }) => id),
    ['b', 'a', 'x']
  )
})

t.test('a file that is broken from the start is no empty configuration, and is followed once it is repaired', async t => {
  const { path, open } = await createFileDir(t, 'forward_rules: [\n')
  const store = open()
  const error = await store.load().catch(error => error)
  t.type(error, StoreUnavailableError)
  t.match(error.cause.message, /^sluice\.yaml:\d+:\d+ /)
  await t.rejects(store.commitsSince(0), StoreUnavailableError)
  const observed = await observe(store)
  t.ok(isDown(observed))
  const noticed = observed.notices.length
  await writeFile(path, rulesText('a'))
  await observed.until('up', isUp)
  await observed.until('a notice', ({ notices }) => notices.length > noticed)
  t.match(await store.load(), { revision: 1, items: [{ id: 'a' }] })
})

t.test('a text that is no UTF-8 is refused', async t => {
  const { path, observed } = await watched(t, rulesText('a'))
  await writeFile(path, Buffer.from([...Buffer.from(rulesText('a')), 0x23, 0xff, 0x0a]))
  await observed.until('down', isDown)
  t.equal(observed.states.at(-1)?.reason, 'sluice.yaml: the file is not UTF-8')
})

t.test('an edit by hand is not written back, and a touched file is not a change', async t => {
  const { path, observed, next } = await watched(t, rulesText('a'))
  const text = `# mine\n${rulesText('b')}`
  await writeFile(path, text)
  const { ino, mtimeNs } = await stat(path, { bigint: true })
  await next()
  t.equal(await readFile(path, 'utf8'), text)
  t.match(await stat(path, { bigint: true }), { ino, mtimeNs })
  await utimes(path, 1, 1)
  await writeFile(`${path}.unrelated`, 'x')
  await writeFile(path, rulesText('b', 'c'))
  await next()
  t.equal(observed.commits().length, 2)
})
