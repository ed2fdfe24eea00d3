import t from 'tap'
import { compileTarget } from '../../src/core/target-address.ts'

t.test('an address is taken apart', async t => {
  const parsed: Record<string, readonly [origin: string, host: string, basePath: string]> = {
    'http://10.0.0.7:8080': ['http://10.0.0.7:8080', '10.0.0.7:8080', ''],
    'http://h:80/': ['http://h', 'h', ''],
    'https://h:443/a/b/': ['https://h', 'h', '/a/b'],
    'http://h:443/a%20b//': ['http://h:443', 'h:443', '/a%20b'],
    'HTTP://API.Example.com/a/../b': ['http://api.example.com', 'api.example.com', '/b'],
    'http://[2001:DB8::1]:81/x': ['http://[2001:db8::1]:81', '[2001:db8::1]:81', '/x']
  }
  for (const [url, [origin, host, basePath]] of Object.entries(parsed))
    t.same(compileTarget(url, 3), { url, weight: 3, origin, host, basePath }, url)
})

t.test('what could mean two things is refused', async t => {
  const bad = [
    'http://',
    'http:///x',
    'http:h',
    'ftp://h',
    'h:80',
    '/x',
    '',
    'http://h:0',
    'http://h:65536',
    'http://h:x',
    'http://a b',
    'http://h/a b'
  ]
  const more = [
    'http://u:p@h',
    'http://u@h',
    'http://@h',
    'http://h?',
    'http://h/x?y=1',
    'http://h#',
    'http://h\\x',
    'http://h/\n',
    'http://bücher.example',
    'http://[::1'
  ]
  for (const url of [...bad, ...more]) t.type(compileTarget(url, 1), 'string', JSON.stringify(url))
})

t.test('an @ in the path is no credential', async t => {
  t.match(compileTarget('http://h/@scope', 1), { basePath: '/@scope' })
})
