import t from 'tap'
import { hostPortText, toHostPort } from '../../src/stores/host-port.ts'
import { toRedisAddress } from '../../src/stores/redis-address.ts'

t.test('one server is left to the client library', async t => {
  for (const url of ['redis://host', 'rediss://user:pass@host:1/2?family=6']) t.same(toRedisAddress(url), { mode: 'single', url })
})

t.test('Sentinels, with the name of the master', async t => {
  t.same(toRedisAddress('redis+sentinel://a,b:2,[::1]:3,[::2]/main'), {
    mode: 'sentinel',
    hosts: [
      { host: 'a', port: 26379 },
      { host: 'b', port: 2 },
      { host: '::1', port: 3 },
      { host: '::2', port: 26379 }
    ],
    tls: false,
    username: '',
    password: '',
    master: 'main',
    database: 0
  })
  t.match(toRedisAddress('rediss+sentinel://us%40er:p%3A%2F:s@a:1/my%20main/12'), {
    tls: true,
    username: 'us@er',
    password: 'p:/:s',
    master: 'my main',
    database: 12
  })
})

t.test('the nodes of a cluster', async t => {
  t.same(toRedisAddress('redis+cluster://:secret@a,b:2'), {
    mode: 'cluster',
    hosts: [
      { host: 'a', port: 6379 },
      { host: 'b', port: 2 }
    ],
    tls: false,
    username: '',
    password: 'secret'
  })
  t.match(toRedisAddress('rediss+cluster://a/'), { tls: true })
})

t.test('what is wrong is one line without a password', async t => {
  for (const url of [
    'http://:hunter2@host',
    'redis://:hunter2@host:port',
    'redis+sentinel://:hunter2@host',
    'redis+sentinel://:hunter2@host/',
    'redis+sentinel://:hunter2@host/main/db',
    'redis+sentinel://:hunter2@host:99999/main',
    'redis+sentinel://:hunter2@a,,b/main',
    'redis+sentinel://:hunter2%@a/main',
    'redis+cluster://:hunter2@host/3',
    'redis+cluster://:hunter2@',
    'redis+cluster://:hunter2@host:0',
    'redis+cluster://hunter2@a@b',
    'redis+other://:hunter2@host'
  ]) {
    t.throws(() => toRedisAddress(url), { message: /^(?!.*hunter2)[^\n]{20,160}$/ }, url)
  }
})

t.test('a host and port is written as it is read', async t => {
  for (const text of ['a.example:1', '[::1]:65535', '10.0.0.1:80']) t.equal(hostPortText(toHostPort(text, 5)), text)
})
