import t from 'tap'
import { kinds } from '../../src/core/change.ts'
import { toEtcdAddress } from '../../src/stores/etcd-address.ts'
import { etcdKeys } from '../../src/stores/etcd-keys.ts'

t.test('servers, user and prefix', async t => {
  t.same(toEtcdAddress('etcd://a', 'default'), { endpoints: ['http://a:2379'], username: '', password: '', root: '/sluice' })
  t.same(toEtcdAddress('etcds://us%40er:p%3A%2F@a:1,[::1],10.0.0.1:3/my/prefix/', 'other'), {
    endpoints: ['https://a:1', 'https://[::1]:2379', 'https://10.0.0.1:3'],
    username: 'us@er',
    password: 'p:/',
    root: '/my/prefix/@other'
  })
})

t.test('what is wrong is one line without a password', async t => {
  for (const url of [
    'http://:hunter2@h',
    'etcd:hunter2',
    'etcd://:hunter2@',
    'etcd://:hunter2@a,,b',
    'etcd://:hunter2@a:0/x',
    'etcd://hunter2%@a'
  ]) {
    t.throws(() => toEtcdAddress(url, 'default'), { message: /^(?!.*hunter2)[^\n]{20,160}$/ }, url)
  }
})

t.test('the keys of items are watched, with the log; what else is kept is not', async t => {
  const keys = etcdKeys('/root')
  const isWatched = (key: string): boolean => key >= keys.watched.from && key < keys.watched.to
  for (const kind of kinds) {
    t.ok(isWatched(keys.item(kind, 'x')), kind)
    t.same(keys.itemOf(keys.item(kind, 'a/b')), { kind, id: 'a/b' })
    t.same(keys.itemOfAge(keys.age(kind, 'a/b')), { kind, id: 'a/b' })
  }
  for (const key of [keys.head, keys.log(7), keys.filling]) t.ok(isWatched(key), key)
  for (const key of [keys.age('service', 'x'), keys.blob('x'), keys.alive('x'), '/root/@other/head', '/other/head'])
    t.notOk(isWatched(key), key)
  for (const key of [keys.head, keys.log(7), '/root/servic', '/root/age/service/x']) t.equal(keys.itemOf(key), undefined)
  t.ok(keys.log(9) < keys.log(10) && keys.log(Number.MAX_SAFE_INTEGER) < keys.logs.to)
})
