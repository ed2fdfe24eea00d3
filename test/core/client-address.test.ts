import t from 'tap'
import { clientAddress } from '../../src/core/client-address.ts'
import { CidrSet } from '../../src/core/ip.ts'

const nobody = CidrSet.parse([])
const proxies = CidrSet.parse(['10.0.0.0/8', 'fd00::/8'])

t.test('nobody is believed by default', async t => {
  t.equal(clientAddress('192.0.2.1', '203.0.113.9', nobody), '192.0.2.1')
  t.equal(clientAddress('192.0.2.1', '203.0.113.9', proxies), '192.0.2.1', 'the peer is no trusted proxy')
})

t.test('behind trusted proxies it is the last address that is not one of them', async t => {
  t.equal(clientAddress('10.0.0.1', '203.0.113.9', proxies), '203.0.113.9')
  t.equal(clientAddress('10.0.0.1', '198.51.100.1, 203.0.113.9, 10.0.0.2', proxies), '203.0.113.9', 'what stands before can be forged')
  t.equal(clientAddress('fd00::1', '2001:DB8::0:9', proxies), '2001:db8::9')
})

t.test('when all are trusted it is the first', async t => {
  t.equal(clientAddress('10.0.0.1', '10.0.0.9, 10.0.0.2', proxies), '10.0.0.9')
  t.equal(clientAddress('10.0.0.1', undefined, proxies), '10.0.0.1')
})

t.test('nothing before an entry that is no address is believed', async t => {
  t.equal(clientAddress('10.0.0.1', '203.0.113.9, unknown', proxies), '10.0.0.1')
  t.equal(clientAddress('10.0.0.1', '203.0.113.9, unknown, 10.0.0.2', proxies), '10.0.0.2')
  t.equal(clientAddress('10.0.0.1', '', proxies), '10.0.0.1')
})

t.test('ports in entries are left out', async t => {
  t.equal(clientAddress('10.0.0.1', '203.0.113.9:4711', proxies), '203.0.113.9')
  t.equal(clientAddress('10.0.0.1', '[2001:db8::9]:4711', proxies), '2001:db8::9')
  t.equal(clientAddress('10.0.0.1', '[2001:db8::9]', proxies), '2001:db8::9')
  t.equal(clientAddress('10.0.0.1', '[2001:db8::9', proxies), '10.0.0.1')
})

t.test('a v4-mapped address is written as v4', async t => {
  t.equal(clientAddress('::ffff:192.0.2.1', undefined, nobody), '192.0.2.1')
  t.equal(clientAddress('::ffff:10.0.0.1', '::ffff:203.0.113.9', proxies), '203.0.113.9')
  t.equal(clientAddress('fe80::1%eth0', undefined, nobody), 'fe80::1')
  t.equal(clientAddress('2001:db8::1', undefined, nobody), '2001:db8::1')
})
