/** How the file store writes: what it leaves as it is, and what it does when it cannot. */
import { chmod, lstat, mkdir, readdir, readFile, rename, stat, symlink, unlink, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { PreconditionError } from '../../src/core/store.ts'
import { StoreUnavailableError } from '../../src/errors.ts'
import { openFileStore } from '../../src/stores/file-store.ts'
import { deleteRule, putRule } from './changes.ts'
import { createFileDir, rulesText } from './file-dir.ts'
import { observe } from './observe.ts'
import { commitInProcess } from './run-fixture.ts'

const commented = `# Ours. Ask Anna.
services:   []   # none yet

forward_rules:

  # the old way in
  - id: old
    path:    /old          # until May
    target: 'http://127.0.0.1:9'

  - { id: short, path: /s, target: "http://127.0.0.1:9" }   # compact

  # last
  - target: http://127.0.0.1:9
    id: odd
`

t.test('a commit keeps every byte of what it does not touch', async t => {
  const { path, open } = await createFileDir(t, commented)
  const store = open()
  await store.commit([putRule('new')], 'anna')
  const added = `${commented}\n  - id: new\n    path: /new\n    target: http://127.0.0.1:9\n`
  t.equal(await readFile(path, 'utf8'), added)
  await store.commit(
    [{ op: 'put', kind: 'forward_rule', id: 'short', item: { id: 'short', path: '/t', target: 'http://127.0.0.1:9' } }],
    'anna'
  )
  t.equal(
    await readFile(path, 'utf8'),
    added.replace('{ id: short, path: /s, target: "http://127.0.0.1:9" }', '{ id: short, path: /t, target: "http://127.0.0.1:9" }')
  )
  await store.commit([deleteRule('old'), deleteRule('short'), deleteRule('new')], 'anna')
  t.equal(
    await readFile(path, 'utf8'),
    '# Ours. Ask Anna.\nservices:   []   # none yet\n\nforward_rules:\n\n  # last\n  - target: http://127.0.0.1:9\n    id: odd\n\n'
  )
  t.same(
    (await open().load()).items.map(({ id, item }) => [id, item]),
    [['odd', { target: 'http://127.0.0.1:9', id: 'odd' }]]
  )
})

t.test('a commit is one write and no edit: nobody hears of it twice', async t => {
  const { dir, path, open } = await createFileDir(t, rulesText('a'))
  const [writer, other] = [open(), open()]
  await Promise.all([writer.load(), other.load()])
  const watching = [await observe(writer), await observe(other)]
  const inodes = new Set<bigint>()
  for (const id of ['b', 'c']) {
    await writer.commit([putRule(id)], 'anna')
    inodes.add((await stat(path, { bigint: true })).ino)
    await Promise.all(watching.map(observed => observed.until(id, ({ commits }) => commits().at(-1)?.changes[0]?.id === id)))
  }
  const { ino, mtimeNs } = await stat(path, { bigint: true })
  // A later edit comes after whatever an echo of the commits would have been.
  await writeFile(path, (await readFile(path, 'utf8')).replace('path: /a', 'path: /aa'))
  await Promise.all(
    watching.map(observed => observed.until('the edit', ({ commits }) => commits().at(-1)?.by === 'file' && commits().length >= 3))
  )
  for (const observed of watching)
    t.same(
      observed.commits().map(({ revision, changes }) => [revision, changes.length]),
      [
        [2, 1],
        [3, 1],
        [4, 1]
      ]
    )
  t.equal(inodes.size, 2)
  t.match(await stat(path, { bigint: true }), { ino }, 'the edit in place was not written again')
  t.ok((await stat(path, { bigint: true })).mtimeNs > mtimeNs)
  t.same(await readdir(dir), ['sluice.yaml'], 'no other file stays behind')
})

t.test('an edit by hand that nobody has seen is a revision of its own, and fails the precondition', async t => {
  const { path, open } = await createFileDir(t, rulesText('a'))
  const store = open()
  const { revision } = await store.load()
  await writeFile(path, rulesText('a', 'b'))
  const error = await store.commit([putRule('c')], 'anna', { revision }).catch(error => error)
  t.type(error, PreconditionError)
  t.equal(error.revision, revision + 1)
  await store.commit([putRule('c')], 'anna', { revision: revision + 1 })
  t.same(
    (await store.commitsSince(revision))?.map(({ by, changes }) => [by, changes.map(({ id }) => id)]),
    [
      ['file', ['b']],
      ['anna', ['c']]
    ]
  )
  t.equal((await store.load()).items.length, 3)
})

t.test('a file that cannot be read at the moment of a commit is left alone', async t => {
  const { path, open } = await createFileDir(t, rulesText('a'))
  const store = open()
  await store.load()
  const half = `${rulesText('a', 'b')}forward_rules: [`
  await writeFile(path, half)
  const error = await store.commit([putRule('c')], 'anna').catch(error => error)
  t.type(error, StoreUnavailableError)
  t.match(error.cause.message, /^sluice\.yaml:\d+:\d+ /)
  t.equal(await readFile(path, 'utf8'), half)
  await unlink(path)
  await t.rejects(store.commit([putRule('c')], 'anna'), { cause: { message: 'sluice.yaml: the file is missing' } })
  await t.rejects(stat(path), { code: 'ENOENT' })
})

t.test('a commit goes through symbolic links and keeps the mode', async t => {
  const { dir, path, open } = await createFileDir(t)
  await mkdir(join(dir, 'real'))
  const real = join(dir, 'real', 'conf.yaml')
  await writeFile(real, rulesText('a'))
  await chmod(real, 0o640)
  await symlink(join('real', 'conf.yaml'), join(dir, 'link.yaml'))
  await symlink('link.yaml', path)
  await open().commit([putRule('b')], 'anna')
  t.ok((await lstat(path)).isSymbolicLink() && (await lstat(join(dir, 'link.yaml'))).isSymbolicLink())
  t.match(await readFile(real, 'utf8'), /id: b/)
  t.equal((await stat(real)).mode & 0o7777, 0o640)
  t.same(await readdir(join(dir, 'real')), ['conf.yaml'])
})

t.test('a file that is not there is made, with its directory, and explains itself', async t => {
  const { dir, open } = await createFileDir(t)
  for (const ending of ['yaml', 'json']) {
    const path = join(dir, 'etc', ending, `sluice.${ending}`)
    t.same((await open(path).load()).items, [])
    t.match(await readFile(path, 'utf8'), ending === 'yaml' ? /^# .*Sluice/ : /^\{\n {2}"services": \[\]/)
    t.same(await readdir(join(dir, 'etc', ending)), [`sluice.${ending}`])
    await open(path).commit([putRule('a')], 'anna')
    t.match(await open(path).load(), { items: [{ id: 'a' }] })
  }
})

t.test('a directory that may not be written: the commit is refused and nothing has changed', async t => {
  const { dir, path, open } = await createFileDir(t, rulesText('a'))
  const store = open()
  await store.load()
  await chmod(dir, 0o555)
  const error = await asNobody(() => store.commit([putRule('b')], 'anna').catch(error => error))
  await chmod(dir, 0o755)
  t.type(error, StoreUnavailableError)
  t.equal(error.cause.code, 'EACCES')
  t.equal(await readFile(path, 'utf8'), rulesText('a'))
  t.same(await readdir(dir), ['sluice.yaml'])
  t.match(await store.load(), { revision: 1, items: [{ id: 'a' }] })
  t.equal((await store.commit([putRule('b')], 'anna')).revision, 2)
})

/** Permissions do not stop root, so the call is made without its rights. */
async function asNobody<T>(call: () => Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return call()
  process.seteuid?.(65_534)
  try {
    return await call()
  } finally {
    process.seteuid?.(0)
  }
}

t.test('a full disk: the commit is refused, the file is whole and nothing is left behind', async t => {
  const text = rulesText('a') + `# ${'x'.repeat(100)}\n`.repeat(200)
  const { dir, path, open } = await createFileDir(t, text)
  // No file of more than 16 blocks of 512 bytes can be written; without the trap the process would be ended by the signal.
  const outcome = await commitInProcess(`file:${path}`, 'b', 1, "trap '' XFSZ; ulimit -f 16")
  t.match(outcome, /nothing was written: EFBIG/)
  t.equal(await readFile(path, 'utf8'), text)
  t.same(await readdir(dir), ['sluice.yaml'])
  t.equal((await open().load()).items.length, 1)
})

t.test("what a crash leaves behind is in nobody's way", async t => {
  const { dir, path, open } = await createFileDir(t, rulesText('a'))
  await writeFile(join(dir, '.sluice.yaml.4711.abcdef12.tmp'), rulesText('half')?.slice(0, 30))
  await writeFile(join(dir, '.sluice.yaml.lock'), `999999999 ${hostname()}\n`)
  const store = open()
  t.same(
    (await store.load()).items.map(({ id }) => id),
    ['a']
  )
  await store.commit([putRule('b')], 'anna')
  t.match(await readFile(path, 'utf8'), /id: b/)
})

t.test('while another process writes, a commit waits, but less than a second', async t => {
  const { dir, path, open } = await createFileDir(t, rulesText('a'))
  const store = open()
  await store.load()
  const lock = join(dir, '.sluice.yaml.lock')
  await writeFile(lock, `${process.pid} ${hostname()}\n`)
  const begin = performance.now()
  await t.rejects(store.commit([putRule('b')], 'anna'), { code: 'STORE_UNAVAILABLE', cause: { message: /another process/ } })
  t.ok(performance.now() - begin < 1_000)
  t.equal(await readFile(path, 'utf8'), rulesText('a'))
  const waiting = store.commit([putRule('b')], 'anna')
  await unlink(lock)
  t.equal((await waiting).revision, 2)
})

t.test('processes that share a file lose no commit of each other', async t => {
  const { path, open } = await createFileDir(t, rulesText('a'))
  const observed = await observe(open())
  t.same(await Promise.all(['x', 'y'].map(prefix => commitInProcess(`file:${path}`, prefix, 8))), ['done', 'done'])
  t.equal((await open().load()).items.length, 17)
  await observed.until('all arrive', ({ commits }) => commits().flatMap(({ changes }) => changes).length === 16)
})

t.test('an editor that saves while a commit is written does not lose its text', async t => {
  const { dir, path, open } = await createFileDir(t, rulesText('a'))
  const store = open()
  await store.load()
  const saves = Array.from({ length: 10 }, async (_, index) => {
    const save = join(dir, `save-${index}`)
    await writeFile(save, `# ${index}\n${await readFile(path, 'utf8')}`)
    await rename(save, path)
  })
  await Promise.allSettled([...saves, ...['b', 'c', 'd'].map(id => store.commit([putRule(id)], 'anna'))])
  const { items } = await store.load()
  const reread = await open().load()
  t.same(items.map(({ id }) => id).sort(), reread.items.map(({ id }) => id).sort(), 'the store is what the file is')
})

t.test('a path of another kind is refused at once', async t => {
  for (const path of ['sluice.toml', 'sluice', '/etc/yaml']) t.throws(() => openFileStore({ path }), /\.yaml, \.yml or \.json/)
})

t.test('a rollout is not written into the file, and outlives edits of it', async t => {
  const { path, open } = await createFileDir(t, rulesText('a'))
  const store = open()
  const rollout = { op: 'put', kind: 'rollout', id: 'r', item: { id: 'r' } } as const
  t.match(await store.commit([rollout], 'anna'), { revision: 2, changes: [{ kind: 'rollout', id: 'r' }] })
  t.equal(await readFile(path, 'utf8'), rulesText('a'))
  await store.commit([putRule('b'), rollout], 'anna')
  await writeFile(path, rulesText('c'))
  t.same((await store.load()).items.map(({ kind, id }) => `${kind}/${id}`).sort(), ['forward_rule/c', 'rollout/r'])
  t.same(
    (await open().load()).items.map(({ id }) => id),
    ['c'],
    'another process knows nothing of it'
  )
})
