import { chdir, cwd } from 'node:process'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { openStore } from '../../src/stores/open-store.ts'
import { startEtcd } from '../helpers/etcd.ts'
import { startRedis } from '../helpers/redis.ts'
import { putRule } from './changes.ts'
import { createFileDir } from './file-dir.ts'
import { commitInProcess } from './run-fixture.ts'

t.test('each URL opens its store', async t => {
  const [server, etcd] = await Promise.all([startRedis(t), startEtcd(t)])
  const { dir, path, open } = await createFileDir(t)
  const home = cwd()
  t.teardown(() => chdir(home))
  chdir(dir)
  for (const [url, name] of [
    ['memory:', 'memory'],
    [server.url, 'redis'],
    [`etcd://${etcd.host}/prefix`, 'etcd'],
    ['file:./sluice.yaml', 'file'],
    ['file:sluice.yml', 'file'],
    [`file:${dir}/abs.json`, 'file'],
    [pathToFileURL(`${dir}/with space.json`).href, 'file']
  ]) {
    const store = openStore(url!, { namespace: 'ns' })
    t.teardown(() => store.close())
    t.equal(store.name, name)
    await store.commit([putRule('a')], 'anna')
    t.equal((await store.load()).items.length, 1, `${url}`)
  }
  t.equal((await open(path).load()).items.length, 1)
  t.equal((await open(`${dir}/with space.json`).load()).items.length, 1)
})

t.test('servers that are to be found are Redis stores', async t => {
  for (const mode of ['redis+sentinel', 'rediss+sentinel', 'redis+cluster', 'rediss+cluster']) {
    const store = openStore(`${mode}://127.0.0.1:1${mode.endsWith('sentinel') ? '/main' : ''}`, { namespace: 'ns' })
    t.equal(store.name, 'redis')
    await store.close()
  }
})

t.test('a namespace keeps two gateways in one Redis apart', async t => {
  const server = await startRedis(t)
  const [one, other] = ['one', 'other'].map(namespace => openStore(server.url, { namespace }))
  t.teardown(() => Promise.all([one!.close(), other!.close()]))
  await one!.commit([putRule('a')], 'anna')
  t.same((await other!.load()).items, [])
})

t.test('anything else is one clear line, without a password', async t => {
  for (const url of [
    '',
    'sluice.yaml',
    'etcd://root:hunter2@host:port',
    'redis:hunter2',
    'redis+sentinel://:hunter2@host',
    'redis+cluster://:hunter2@host:port',
    'redis://:hunter2@host:port',
    'REDIS://x:hunter2@h',
    'constructor:hunter2',
    'file:',
    'file:./sluice.toml',
    'file://host/sluice.yaml'
  ]) {
    t.throws(() => openStore(url, { namespace: 'ns' }), { message: /^(?!.*hunter2)[^\n]{20,160}$/ }, url)
  }
  t.throws(() => openStore('memory:', { namespace: 'a}b' }), /namespace/)
})

t.test('a process whose store is closed ends by itself', async t => {
  const [server, etcd] = await Promise.all([startRedis(t), startEtcd(t)])
  const { path } = await createFileDir(t)
  const urls = ['memory:', server.url, `file:${path}`, `etcd://${etcd.host}`]
  t.same(await Promise.all(urls.map(url => commitInProcess(url, 'a', 2))), ['done', 'done', 'done', 'done'])
})
