/** The reader that judges everybody's bytes takes what RFC 9112 allows and nothing else. */
import t from 'tap'
import { type Asked, readRequests, readResponses, WireFault } from './strict-reader.ts'

const head = 'POST /x HTTP/1.1\r\nHost: a\r\n'
const get: Asked = { method: 'GET', version: '1.1' }

function isRefused(read: () => unknown): boolean {
  try {
    read()
    return false
  } catch (error) {
    return error instanceof WireFault
  }
}

t.test('well-formed requests are read one after the other', async t => {
  const bytes = `GET /a?b HTTP/1.1\r\nHost: [::1]:80\r\nX: \t v \t\r\n\r\n${head}Content-Length: 3\r\n\r\nabc${head}Transfer-Encoding: chunked\r\n\r\n`
  const { messages, whole } = readRequests(`${bytes}2;a=b;c="d e"\r\nxy\r\n1\r\nz\r\n0\r\nX-T: 1\r\n\r\n`)
  t.ok(whole)
  t.same(
    messages.map(({ method, target, body, framing }) => [method, target, body, framing]),
    [
      ['GET', '/a?b', '', 'none'],
      ['POST', '/x', 'abc', 'length'],
      ['POST', '/x', 'xyz', 'chunked']
    ]
  )
  t.same(messages[0]?.fields[1], ['x', 'v'])
  t.same(messages[2]?.trailers, [['x-t', '1']])
})

t.test('a message that is cut off anywhere is a part, never whole', async t => {
  for (const framed of ['Content-Length: 3\r\n\r\nabc', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n']) {
    const bytes = head + framed
    for (let cut = 1; cut < bytes.length; cut++) {
      const { messages, whole } = readRequests(bytes.slice(0, cut))
      t.same([messages.length, whole], [0, false], `after ${cut} bytes`)
    }
    t.equal(readRequests(bytes).messages.length, 1)
  }
})

t.test('requests that two readers could read in two ways are refused', async t => {
  const bad = {
    'a bare LF': 'GET / HTTP/1.1\nHost: a\r\n\r\n',
    'a bare CR': 'GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n',
    'a folded line': `${head}X: a\r\n b\r\n\r\n`,
    'a space before the colon': `${head}X : a\r\n\r\n`,
    'no colon': `${head}X\r\n\r\n`,
    'an empty name': `${head}: x\r\n\r\n`,
    'NUL in a value': `${head}X: a\0b\r\n\r\n`,
    'no Host': 'GET / HTTP/1.1\r\n\r\n',
    'two Hosts': `${head}Host: a\r\n\r\n`,
    'a malformed Host': 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n',
    'two lengths': `${head}Content-Length: 1\r\nContent-Length: 1\r\n\r\na`,
    'a list of lengths': `${head}Content-Length: 1, 1\r\n\r\na`,
    'a signed length': `${head}Content-Length: +1\r\n\r\na`,
    'length and chunked': `${head}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'an unknown coding': `${head}Transfer-Encoding: xchunked\r\n\r\n`,
    'two codings': `${head}Transfer-Encoding: chunked, chunked\r\n\r\n`,
    'a coding in HTTP/1.0': 'POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'a chunk size with 0x': `${head}Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n`,
    'a chunk size of LF': `${head}Transfer-Encoding: chunked\r\n\r\n1\na\r\n`,
    'a chunk that is too long': `${head}Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n`,
    'a length in the trailers': `${head}Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 1\r\n\r\n`,
    'a space in the target': 'GET /a b HTTP/1.1\r\nHost: a\r\n\r\n',
    'a fragment': 'GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n',
    'a version to come': 'GET / HTTP/1.2\r\nHost: a\r\n\r\n',
    'an empty line before': '\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'
  }
  for (const [name, bytes] of Object.entries(bad))
    t.ok(
      isRefused(() => readRequests(bytes)),
      name
    )
})

t.test('responses are read by what was asked', async t => {
  const bytes =
    'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nHTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n'
  const { messages, whole } = readResponses(bytes, [{ method: 'HEAD', version: '1.1' }, get], false)
  t.ok(whole)
  t.same(
    messages.map(({ status, body }) => [status, body]),
    [
      [103, ''],
      [200, ''],
      [304, '']
    ]
  )
})

t.test('a body that ends with the connection is whole only when the connection ended in good order', async t => {
  const bytes = 'HTTP/1.1 200 OK\r\n\r\nall'
  t.equal(readResponses(bytes, [get], true).messages[0]?.body, 'all')
  const cut = readResponses(bytes, [get], false)
  t.same([cut.messages.length, cut.part?.body, cut.whole], [0, 'all', false])
})

t.test('responses that a client could misread are refused', async t => {
  const old: Asked = { method: 'GET', version: '1.0' }
  const bad: [string, string, Asked][] = [
    ['no status line', 'garbage\r\n\r\n', get],
    ['no space after the status', 'HTTP/1.1 200\r\n\r\n', get],
    ['a length with 204', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n', get],
    ['a length with 103', 'HTTP/1.1 103 x\r\nContent-Length: 0\r\n\r\n', get],
    ['an interim response to HTTP/1.0', 'HTTP/1.1 103 x\r\n\r\n', old],
    ['chunks to HTTP/1.0', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', old],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', get],
    ['bytes behind a HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', { method: 'HEAD', version: '1.1' }],
    ['bytes behind Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n', get]
  ]
  for (const [name, bytes, asked] of bad)
    t.ok(
      isRefused(() => readResponses(`${bytes}\r\n`, [asked], true)),
      name
    )
})
