/** No secret of a store's address ends up in a log. */
import t from 'tap'
import { withoutCredentials } from '../../src/control/without-credentials.ts'

t.test('user and password are left out, whatever is in them', async t => {
  t.equal(withoutCredentials('redis://user:pa%40ss@h:6379/0'), 'redis://h:6379/0')
  t.equal(withoutCredentials('redis://:p@ss:word@h:6379'), 'redis://h:6379')
  t.equal(withoutCredentials('redis+sentinel://u:p@a:1,b:2/m'), 'redis+sentinel://a:1,b:2/m')
})

t.test('secrets in the query are hidden, other parameters stay', async t => {
  t.equal(withoutCredentials('redis://h?password=s3cret&db=2'), 'redis://h?password=***&db=2')
  t.equal(withoutCredentials('etcd://h/p?db=1&Token=a.b.c#x'), 'etcd://h/p?db=1&Token=***#x')
  t.equal(
    withoutCredentials('redis+sentinel://a/m?sentinel_password=x&sentinelAuth=y'),
    'redis+sentinel://a/m?sentinel_password=***&sentinelAuth=***'
  )
})

t.test('an address without secrets stays as it is', async t => {
  for (const url of ['file:./sluice.yaml', 'memory:', 'redis://h:6379/3', 'etcd://h:2379/prefix']) t.equal(withoutCredentials(url), url)
})
