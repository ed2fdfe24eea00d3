import fc from 'fast-check'
import t from 'tap'
import { CidrError, CidrSet } from '../../src/core/ip.ts'
import { canonicalIp, parseIp } from '../../src/core/ip-address.ts'

t.test('addresses have one spelling', async t => {
  const spellings: Record<string, string> = {
    '192.0.2.1': '192.0.2.1',
    '0.0.0.0': '0.0.0.0',
    '255.255.255.255': '255.255.255.255',
    '2001:DB8:0:0:0:0:0:1': '2001:db8::1',
    '::': '::',
    '::1': '::1',
    '1::': '1::',
    '2001:db8:0:1:0:0:0:1': '2001:db8:0:1::1',
    '2001:0:0:1:0:0:0:1': '2001:0:0:1::1',
    '1:0:2:3:4:5:6:7': '1:0:2:3:4:5:6:7',
    '::ffff:192.0.2.1': '192.0.2.1',
    '::ffff:c000:0201': '192.0.2.1',
    '64:ff9b::192.0.2.1': '64:ff9b::c000:201',
    'fe80::1%eth0': 'fe80::1'
  }
  for (const [written, address] of Object.entries(spellings)) t.equal(canonicalIp(written), address, written)
})

t.test('what is no address is none', async t => {
  const bad = [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
    '1.2.3.4 ',
    'localhost',
    '1.2.3.4:80',
    '0x1.2.3.4'
  ]
  const bad6 = [
    ':',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1::2::3',
    '12345::',
    'g::',
    '::1.2.3',
    '1.2.3.4::',
    '[::1]',
    '1:2:3:4:5:6:7::8'
  ]
  for (const written of [...bad, ...bad6]) t.equal(canonicalIp(written), undefined, JSON.stringify(written))
})

t.test('a canonical address is its own canonical form', async t => {
  const groups = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff })), { minLength: 8, maxLength: 8 })
  const holds = fc.property(groups, groups => {
    const written = groups.map(group => group.toString(16)).join(':')
    const canonical = canonicalIp(written)!
    return canonicalIp(canonical) === canonical && String(parseIp(canonical)) === String(parseIp(written))
  })
  t.doesNotThrow(() => fc.assert(holds))
})

t.test('a block holds its addresses and no other', async t => {
  const set = CidrSet.parse(['192.168.1.0/24', '10.0.0.7', '2001:db8::/33', 'fd00::1'])
  for (const ip of ['192.168.1.0', '192.168.1.255', '10.0.0.7', '::ffff:10.0.0.7', '2001:db8::1', '2001:db8:7fff:ffff::', 'fd00::1'])
    t.equal(set.has(ip), true, ip)
  for (const ip of ['192.168.0.255', '192.168.2.0', '10.0.0.6', '10.0.0.8', '2001:db8:8000::', '2001:db7:ffff::', 'fd00::2', 'x', ''])
    t.equal(set.has(ip), false, ip)
})

t.test('v4 and v6 are apart, but for v4-mapped addresses', async t => {
  t.equal(CidrSet.parse(['0.0.0.0/0']).has('203.0.113.9'), true)
  t.equal(CidrSet.parse(['0.0.0.0/0']).has('::1'), false)
  t.equal(CidrSet.parse(['::/0']).has('203.0.113.9'), false)
  t.equal(CidrSet.parse(['::ffff:10.0.0.0/104']).has('10.200.0.1'), true)
  t.equal(CidrSet.parse(['::ffff:10.0.0.0/104']).has('11.0.0.1'), false)
})

t.test('host bits below the mask are ignored', async t => {
  t.equal(CidrSet.parse(['10.1.2.3/8']).toString(), CidrSet.parse(['10.0.0.0/8']).toString())
})

t.test('overlapping blocks are one, and the order does not matter', async t => {
  const set = CidrSet.parse(['10.1.0.0/16', '10.0.0.0/8', '10.2.3.4', '192.0.2.0/25', '192.0.2.64/26'])
  t.equal(set.size, 2)
  t.equal(set.toString(), CidrSet.parse(['192.0.2.0/25', '10.0.0.0/8']).toString())
  t.equal(CidrSet.parse([]).size, 0)
  t.equal(CidrSet.parse([]).has('10.0.0.1'), false)
})

t.test('a set includes another when each of its blocks lies in one', async t => {
  const outer = CidrSet.parse(['10.0.0.0/8', '192.0.2.0/25', '2001:db8::/32'])
  const includes = (...blocks: string[]) => outer.includes(CidrSet.parse(blocks))
  for (const blocks of [[], ['10.0.0.0/8'], ['10.1.0.0/16', '192.0.2.127', '2001:db8:1::/48'], ['::ffff:10.0.0.1']])
    t.ok(includes(...blocks), String(blocks))
  for (const blocks of [['0.0.0.0/0'], ['10.1.0.0/16', '11.0.0.0'], ['192.0.2.0/24'], ['2001::/16'], ['192.0.2.128'], ['::/0']])
    t.notOk(includes(...blocks), String(blocks))
})

t.test('a bad block is refused and named', async t => {
  const bad = ['10.0.0.0/33', '10.0.0.0/-1', '10.0.0.0/', '10.0.0.0/08', '10.0.0.0/a', '10.0.0/8', '2001:db8::/129', '10.0.0.0/255.0.0.0']
  for (const entry of [...bad, 'fe80::1%eth0', '::ffff:10.0.0.0/90', 'localhost', '*']) {
    t.throws(() => CidrSet.parse(['192.0.2.1', entry]), { name: 'CidrError', entry, index: 1 }, entry)
  }
  t.match(new CidrError('x', 0).message, "'x' is not an address or CIDR block")
})

t.test('a set of a thousand blocks answers as a scan over them does', async t => {
  const toIp = (word: number): string => [24, 16, 8, 0].map(shift => (word >>> shift) & 255).join('.')
  const block = fc.record({ word: fc.nat(0xffff), bits: fc.integer({ min: 16, max: 32 }) })
  const holds = fc.property(
    fc.array(block, { maxLength: 60 }),
    fc.array(fc.nat(0xffff), { minLength: 20, maxLength: 20 }),
    (blocks, words) => {
      const set = CidrSet.parse(blocks.map(({ word, bits }) => `${toIp(word)}/${bits}`))
      const inSome = (ip: number) => blocks.some(({ word, bits }) => bits === 16 || word >>> (32 - bits) === ip >>> (32 - bits))
      return words.every(word => set.has(toIp(word)) === inSome(word))
    }
  )
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 300 }))
})
