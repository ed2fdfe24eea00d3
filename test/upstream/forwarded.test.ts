import t from 'tap'
import { forwardedElement, pushForwarded } from '../../src/upstream/forwarded.ts'

t.test('addresses of IPv6 and hosts with a port are quoted (RFC 7239)', async t => {
  t.equal(forwardedElement('192.0.2.1', 'example.com', 'http'), 'for=192.0.2.1;host=example.com;proto=http')
  t.equal(forwardedElement('2001:db8::1', '[2001:db8::2]:81', 'https'), 'for="[2001:db8::1]";host="[2001:db8::2]:81";proto=https')
  t.equal(forwardedElement('unknown', '', 'http'), 'for=unknown;proto=http')
})

t.test('without a host none is claimed', async t => {
  const list: string[] = []
  pushForwarded(list, { peer: { ip: '::1', trusted: false }, clientIp: '::1', host: '', secure: true }, undefined)
  t.same(list, ['x-forwarded-for', '::1', 'x-forwarded-proto', 'https', 'x-real-ip', '::1', 'forwarded', 'for="[::1]";proto=https'])
})

t.test('an empty claim of a trusted peer is not continued', async t => {
  const list: string[] = []
  const inbound = { peer: { ip: '10.0.0.1', trusted: true }, clientIp: '10.0.0.1', host: 'a', secure: false }
  pushForwarded(list, inbound, { 'x-forwarded-for': '', forwarded: '' })
  t.equal(list[1], '10.0.0.1')
  t.equal(list.at(-1), 'for=10.0.0.1;host=a;proto=http')
})
