import t from 'tap'
import { toMatchHost } from '../../src/core/host.ts'

t.test('a host is compared without case, port and trailing dot', async t => {
  t.equal(toMatchHost('API.Example.com'), 'api.example.com')
  t.equal(toMatchHost('api.example.com:8080'), 'api.example.com')
  t.equal(toMatchHost('api.example.com.'), 'api.example.com')
  t.equal(toMatchHost('api.example.com.:443'), 'api.example.com')
  t.equal(toMatchHost('192.0.2.1:80'), '192.0.2.1')
})

t.test('an absent host is the empty one', async t => {
  t.equal(toMatchHost(undefined), '')
  t.equal(toMatchHost(''), '')
})

t.test('an IPv6 address keeps its brackets and has one spelling', async t => {
  t.equal(toMatchHost('[2001:DB8:0:0::1]:8080'), '[2001:db8::1]')
  t.equal(toMatchHost('[::1]'), '[::1]')
  t.equal(toMatchHost('[::FFFF:192.0.2.1]'), '[::ffff:192.0.2.1]')
})

t.test('what is no host is not mended', async t => {
  t.equal(toMatchHost('[::1'), '[::1')
  t.equal(toMatchHost('[nonsense]:80'), '[nonsense]')
})
