/** `sluice.yaml` edited by hand while the gateway runs, in every way that editors, scripts and Kubernetes do it. */
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync
} from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type GatewayProcess, startGateway, tempFolder } from '../helpers/gateway.ts'

const rules = (body: string) => `# kept by hand\nforward_rules:\n  - {id: a, path: /, respond: {body: ${body}}}\n`
const bodyOf = async (gateway: GatewayProcess, path = '/') => (await fetch(gateway.proxyUrl + path)).text()
const applied = (gateway: GatewayProcess) => gateway.log.filter(line => line.msg === 'configuration applied').length
const nextApplied = (gateway: GatewayProcess, before: number) => gateway.logged(() => applied(gateway) > before)

async function start(t: Test): Promise<{ gateway: GatewayProcess; file: string }> {
  const folder = tempFolder(t)
  const file = join(folder, 'sluice.yaml')
  writeFileSync(file, rules('one'))
  const gateway = await startGateway(t, {}, folder)
  t.equal(await bodyOf(gateway), 'one')
  return { gateway, file }
}

t.test('written in place', async t => {
  const { gateway, file } = await start(t)
  const before = applied(gateway)
  writeFileSync(file, rules('two'))
  await nextApplied(gateway, before)
  t.equal(await bodyOf(gateway), 'two')
})

t.test('replaced by a rename, twice', async t => {
  const { gateway, file } = await start(t)
  for (const body of ['two', 'three']) {
    const before = applied(gateway)
    writeFileSync(`${file}.swp`, rules(body))
    renameSync(`${file}.swp`, file)
    await nextApplied(gateway, before)
    t.equal(await bodyOf(gateway), body)
  }
})

t.test('swapped as a ConfigMap is', async t => {
  const folder = tempFolder(t)
  const version = (name: string, body: string): void => {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, 'sluice.yaml'), rules(body))
    symlinkSync(name, join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
  }
  version('..2026_1', 'one')
  symlinkSync('..data/sluice.yaml', join(folder, 'sluice.yaml'))
  const gateway = await startGateway(t, {}, folder)
  t.equal(await bodyOf(gateway), 'one')
  for (const [name, body] of [
    ['..2026_2', 'two'],
    ['..2026_3', 'three']
  ] as const) {
    const before = applied(gateway)
    version(name, body)
    await nextApplied(gateway, before)
    t.equal(await bodyOf(gateway), body)
  }
})

t.test('half-written: what was live stays live until the rest is there', async t => {
  const { gateway, file } = await start(t)
  const before = applied(gateway)
  const handle = openSync(file, 'w')
  writeSync(handle, 'forward_rules:\n  - {id: a, path: /, resp')
  await gateway.logged(line => /does not answer/.test(String(line.msg)))
  t.equal(await bodyOf(gateway), 'one')
  t.match(await gateway.admin('GET', '/health'), { status: 200, body: { details: { store: { reason: /sluice\.yaml/ } } } })
  writeSync(handle, 'ond: {body: two}}\n')
  closeSync(handle)
  await nextApplied(gateway, before)
  t.equal(await bodyOf(gateway), 'two')
})

t.test('emptied or removed: what was live stays live', async t => {
  const { gateway, file } = await start(t)
  writeFileSync(file, '')
  await gateway.logged(line => /does not answer/.test(String(line.msg)))
  t.equal(await bodyOf(gateway), 'one')
  rmSync(file)
  t.equal(await bodyOf(gateway), 'one')
  const before = applied(gateway)
  writeFileSync(file, rules('back'))
  await nextApplied(gateway, before)
  t.equal(await bodyOf(gateway), 'back')
})

t.test('one bad rule: the others change, its own previous version stays, and it is reported', async t => {
  const { gateway, file } = await start(t)
  const before = applied(gateway)
  appendFileSync(file, '  - {id: b, path: /b, respond: {body: b1}}\n')
  await nextApplied(gateway, before)
  writeFileSync(
    file,
    'forward_rules:\n  - {id: a, path: /, wieght: 3, respond: {body: broken}}\n  - {id: b, path: /b, respond: {body: b2}}\n'
  )
  await nextApplied(gateway, before + 1)
  t.equal(await bodyOf(gateway), 'one')
  t.equal(await bodyOf(gateway, '/b'), 'b2')
  const { body } = await gateway.admin<{ items: unknown[] }>('GET', '/config/problems')
  t.match(body.items, [{ kind: 'forward_rule', id: 'a', code: 'validation_failed', previous_live: true, errors: [{ pointer: '/wieght' }] }])
})

t.test('duplicate keys are no configuration: the old one stays, with the place in the reason', async t => {
  const { gateway, file } = await start(t)
  writeFileSync(file, 'forward_rules:\n  - id: a\n    path: /\n    path: /x\n    respond: {}\n')
  const line = await gateway.logged(line => /does not answer/.test(String(line.msg)))
  t.match(line.reason, /sluice\.yaml:4:5/)
  t.equal(await bodyOf(gateway), 'one')
})

t.test('an admin write keeps the comments and the order of the file', async t => {
  const { gateway, file } = await start(t)
  const text =
    '# top\nforward_rules:\n  # the first\n  - id: z\n    path: /z # last letter\n    respond: {body: z}\n  # the second\n  - id: a\n    path: /\n    respond: {body: a}\n'
  const before = applied(gateway)
  writeFileSync(file, text)
  await nextApplied(gateway, before)
  t.equal((await gateway.admin('PUT', '/forward-rules/a', { path: '/', respond: { body: 'changed' } })).status, 200)
  t.equal((await gateway.admin('POST', '/forward-rules', { id: 'new', path: '/new', respond: { body: 'new' } })).status, 201)
  const written = readFileSync(file, 'utf8')
  t.ok(
    written.startsWith(
      '# top\nforward_rules:\n  # the first\n  - id: z\n    path: /z # last letter\n    respond: {body: z}\n  # the second\n  - id: a\n'
    ),
    written
  )
  t.ok(written.indexOf('id: a') < written.indexOf('id: new'))
  t.equal(await bodyOf(gateway), 'changed')
})
