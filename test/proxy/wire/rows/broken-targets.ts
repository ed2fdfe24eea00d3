/** Targets that break: each fault, to each kind of client, on a connection that is kept and on one that is not. */
import { answer, mark, sends, sendsAndEnds, sendsAndResets, sendsAndWaits } from '../does.ts'
import { type Check, type Doing, type Line, type Row, type Sending, table } from '../row.ts'
import { aborted, all, answered, body, broken, either, nothing, onceOrAgain, status } from '../sees.ts'
import { host, raw, request } from '../sends.ts'

interface Fault {
  readonly name: string
  readonly target: Doing
  /** What a client that asked for a body must see. */
  readonly sees: Check
  /** What HEAD must see; the same when absent. */
  readonly seesHead?: Check
  /** Default `/row`. */
  readonly path?: string
}

const refused = status(502, 503)
const bad = status(502, 504)
const okay = answered(200)
const fields = (...lines: string[]): string => answer('200 OK', lines, 'ok')
const length = 'Content-Length: 2'
const isChunked = 'Transfer-Encoding: chunked'

/** Nothing of an answer, or nothing that is one. */
// biome-ignore format: one row, one line
const noAnswer: Fault[] = [
  { name: 'refuses the connection', path: '/refused', target: () => undefined, sees: refused },
  { name: 'ends after the request', target: sendsAndEnds(''), sees: bad },
  { name: 'resets after the request', target: sendsAndResets(''), sees: bad },
  { name: 'resets after half a head', target: sendsAndResets('HTTP/1.1 200 OK\r\nX-A'), sees: bad },
  { name: 'ends after half a head', target: sendsAndEnds('HTTP/1.1 200 OK\r\nX-A'), sees: bad },
  { name: 'ends after half a status line', target: sendsAndEnds('HTTP/1.1 20'), sees: bad },
  { name: 'says nothing', path: '/silent', target: sendsAndWaits(''), sees: status(504) },
  { name: 'stops in its head', path: '/silent', target: sendsAndWaits('HTTP/1.1 200 OK\r\nX-A: 1\r\n'), sees: status(504) },
  { name: 'sends garbage', target: sendsAndEnds('\x00\x01\x02 no http at all\r\n\r\n'), sees: bad },
  { name: 'speaks another protocol', target: sendsAndEnds('220 mail.example ESMTP\r\n'), sees: bad },
  { name: 'answers with a request', target: sendsAndEnds('GET / HTTP/1.1\r\nHost: a\r\n\r\n'), sees: bad },
  { name: 'answers in HTTP/2', target: sendsAndEnds(`\x00\x00\x00\x04\x00\x00\x00\x00\x00`), sees: bad },
  { name: 'ends after 103', target: sendsAndEnds('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'), sees: either(bad, endsAfterInterim) }
]

function endsAfterInterim(seen: Parameters<Check>[0]): string | undefined {
  return seen.answers.length === 0 && seen.interim.length > 0 && seen.end !== 'open' ? undefined : 'saw no end after the interim answer'
}

/** Heads that no recipient may take, or only in one way. */
// biome-ignore format: one row, one line
const badHeads: Fault[] = [
  { name: 'a version of HTTP that is none', target: sendsAndEnds(answer('200 OK', [length], 'ok', 'HTTP/9.9')), sees: either(bad, okay) },
  { name: 'a status of two digits', target: sendsAndEnds(answer('20 OK', [length], 'ok')), sees: bad },
  { name: 'a status of four digits', target: sendsAndEnds(answer('2000 OK', [length], 'ok')), sees: bad },
  { name: 'a status of letters', target: sendsAndEnds(answer('abc OK', [length], 'ok')), sees: bad },
  { name: 'a switch of protocol that nobody asked for', target: sendsAndEnds(answer('101 Switching Protocols', ['Upgrade: x', 'Connection: Upgrade'])), sees: bad },
  { name: 'CR in a value', target: sendsAndEnds(fields('X-A: a\rb', length)), sees: either(bad, okay) },
  { name: 'CR that hides a field', target: sendsAndEnds(fields('X-A: a\rSet-Cookie: evil=1', length)), sees: either(bad, all(okay, noCookie)) },
  { name: 'LF that hides a field', target: sendsAndEnds(fields('X-A: a\nX-B: b', length)), sees: either(bad, okay) },
  { name: 'NUL in a value', target: sendsAndEnds(fields('X-A: a\0b', length)), sees: either(bad, okay) },
  { name: 'a control character in a value', target: sendsAndEnds(fields('X-A: a\x01b', length)), sees: either(bad, okay) },
  { name: 'a folded value', target: sendsAndEnds(fields('X-A: a\r\n b', length)), sees: either(bad, okay) },
  { name: 'a line without a colon', target: sendsAndEnds(fields('nonsense', length)), sees: either(bad, okay) },
  { name: 'an empty name', target: sendsAndEnds(fields(': x', length)), sees: either(bad, okay) },
  { name: 'a space in a name', target: sendsAndEnds(fields('X A: x', length)), sees: either(bad, okay) },
  { name: 'a space before the colon', target: sendsAndEnds(fields('X-A : x', length)), sees: either(bad, okay) },
  { name: 'a field of 200 KB', target: sendsAndEnds(fields(`X-A: ${'a'.repeat(200_000)}`, length)), sees: either(bad, okay) },
  { name: '5000 fields', target: sendsAndEnds(fields(...Array(5000).fill('X-A: 1'), length)), sees: either(bad, okay) },
  { name: 'heads without end', target: endlessHead, sees: bad }
]

function noCookie({ answers: [first] }: Parameters<Check>[0]): string | undefined {
  return first?.fields.some(([name]) => name === 'set-cookie') ? 'a hidden field became a field' : undefined
}

async function endlessHead(connection: Parameters<Doing>[0]): Promise<void> {
  await connection.request()
  connection.send(`HTTP/1.1 200 OK\r\n${mark}\r\n`)
  for (let sent = 0; sent < 400 && !connection.socket.destroyed; sent++) {
    connection.send('X-A: 1\r\n'.repeat(200))
    await new Promise(setImmediate)
  }
  connection.end()
  await connection.gone()
}

// RFC 9112 section 6.3: 502 for lengths that contradict themselves. Transfer-Encoding beside a length counts alone, or is refused.
// biome-ignore format: one row, one line
const badFraming: Fault[] = [
  { name: 'two lengths', target: sendsAndEnds(fields('Content-Length: 2', 'Content-Length: 3')), sees: bad },
  { name: 'two lengths in a list', target: sendsAndEnds(fields('Content-Length: 2, 3')), sees: bad },
  { name: 'the same length twice', target: sendsAndEnds(fields(length, length)), sees: either(bad, all(okay, body('ok'))), seesHead: either(bad, okay) },
  { name: 'the same length in a list', target: sendsAndEnds(fields('Content-Length: 2, 2')), sees: either(bad, all(okay, body('ok'))), seesHead: either(bad, okay) },
  ...['-2', '+2', '0x2', '2 2', 'two', '2;', '99999999999999999999999', ''].map(
    (value): Fault => ({ name: `Content-Length: ${JSON.stringify(value)}`, target: sendsAndEnds(fields(`Content-Length: ${value}`)), sees: bad })
  ),
  { name: 'length and chunked', target: sendsAndEnds(answer('200 OK', [length, isChunked], '2\r\nok\r\n0\r\n\r\n')), sees: either(bad, all(okay, body('ok'))), seesHead: either(bad, okay) },
  { name: 'chunked and a longer length', target: sendsAndEnds(answer('200 OK', [isChunked, 'Content-Length: 50'], '2\r\nok\r\n0\r\n\r\n')), sees: either(bad, all(okay, body('ok'))), seesHead: either(bad, okay) },
  { name: 'chunked in HTTP/1.0', target: sendsAndEnds(answer('200 OK', [isChunked], '2\r\nok\r\n0\r\n\r\n', 'HTTP/1.0')), sees: either(bad, aborted, all(okay, body('ok'))), seesHead: either(bad, okay) },
  { name: 'a coding that nobody knows', target: sendsAndEnds(answer('200 OK', ['Transfer-Encoding: xchunked'], 'ok')), sees: either(broken, all(okay, body('ok'))), seesHead: either(bad, okay) },
  { name: 'chunked twice', target: sendsAndEnds(answer('200 OK', ['Transfer-Encoding: chunked, chunked'], '2\r\nok\r\n0\r\n\r\n')), sees: either(broken, all(okay, body('ok'))), seesHead: either(bad, okay) },
  { name: 'chunked, then identity', target: sendsAndEnds(answer('200 OK', ['Transfer-Encoding: chunked, identity'], '2\r\nok\r\n0\r\n\r\n')), sees: either(broken, okay), seesHead: either(bad, okay) }
]

const cutChunked = (text: string): string => answer('200 OK', [isChunked], text)
const cutLength = answer('200 OK', ['Content-Length: 100'], 'part')

/** Bodies that do not come to their end. To HEAD, there is no body that could be cut. */
// biome-ignore format: one row, one line
const cutBodies: Fault[] = [
  { name: 'ends within its length', target: sendsAndEnds(cutLength), sees: broken },
  { name: 'resets within its length', target: sendsAndResets(cutLength), sees: broken },
  { name: 'ends before a body of known length', target: sendsAndEnds(answer('200 OK', ['Content-Length: 100'])), sees: broken },
  { name: 'stops within its length', path: '/silent', target: sendsAndWaits(cutLength), sees: broken },
  { name: 'ends between chunks', target: sendsAndEnds(cutChunked('4\r\npart\r\n')), sees: broken },
  { name: 'resets between chunks', target: sendsAndResets(cutChunked('4\r\npart\r\n')), sees: broken },
  { name: 'ends within a chunk', target: sendsAndEnds(cutChunked('20\r\npart')), sees: broken },
  { name: 'ends within a chunk size', target: sendsAndEnds(cutChunked('4\r\npart\r\n2')), sees: broken },
  { name: 'ends before the first chunk', target: sendsAndEnds(cutChunked('')), sees: broken },
  { name: 'ends after the last chunk, before its end', target: sendsAndEnds(cutChunked('4\r\npart\r\n0\r\n')), sees: broken },
  { name: 'ends in the trailers', target: sendsAndEnds(cutChunked('4\r\npart\r\n0\r\nX-T: 1\r\n')), sees: broken },
  { name: 'stops between chunks', path: '/silent', target: sendsAndWaits(cutChunked('4\r\npart\r\n')), sees: broken },
  { name: 'a chunk size that is none', target: sendsAndEnds(cutChunked('4\r\npart\r\nzz\r\nmore\r\n0\r\n\r\n')), sees: broken },
  { name: 'a negative chunk size', target: sendsAndEnds(cutChunked('4\r\npart\r\n-1\r\nmore\r\n0\r\n\r\n')), sees: broken },
  { name: 'a chunk size beyond 64 bits', target: sendsAndEnds(cutChunked('4\r\npart\r\nFFFFFFFFFFFFFFFF1\r\nx\r\n0\r\n\r\n')), sees: broken },
  { name: 'a chunk longer than its size', target: sendsAndEnds(cutChunked('4\r\npart+more\r\n0\r\n\r\n')), sees: broken },
  { name: 'resets where the end would end the body', target: sendsAndResets(answer('200 OK', ['Connection: close'], 'part')), sees: either(broken, okay) }
]

/** More than was announced: what is too much is nobody's. */
// biome-ignore format: one row, one line
const tooMuch: Fault[] = [
  { name: 'more than its length', target: sendsAndEnds(answer('200 OK', [length], 'ok and more')), sees: either(broken, all(okay, body('ok'))), seesHead: okay },
  { name: 'a second answer', target: sends(fields(length) + answer('200 OK', ['Content-Length: 6'], 'poison')), sees: either(broken, all(okay, body('ok'))), seesHead: either(bad, okay) },
  { name: 'bytes behind the last chunk', target: sends(answer('200 OK', [isChunked], '2\r\nok\r\n0\r\n\r\npoison')), sees: either(broken, all(okay, body('ok'))), seesHead: either(bad, okay) }
]

const clients: [name: string, method: string, version: string][] = [
  ['HTTP/1.1', 'GET', 'HTTP/1.1'],
  ['HTTP/1.0', 'GET', 'HTTP/1.0'],
  ['HEAD', 'HEAD', 'HTTP/1.1']
]

function asking(path: string, method: string, version: string, keeps: boolean): Sending {
  const fields =
    version === 'HTTP/1.0' ? [`Host: ${host}`, ...(keeps ? ['Connection: keep-alive'] : [])] : keeps ? [] : ['Connection: close']
  return raw(request(`${method} ${path}`, fields, '', version))
}

function product(group: string, faults: readonly Fault[], headSees?: Check): Row[] {
  const lines = faults.flatMap(fault =>
    clients.flatMap(([client, method, version]) =>
      [true, false].map((keeps): Line => {
        const { path = '/row', sees } = fault
        const wanted = method === 'HEAD' ? (fault.seesHead ?? headSees ?? sees) : sees
        const receives = path === '/refused' ? nothing : onceOrAgain
        return [
          `${fault.name}; ${client}, ${keeps ? 'kept' : 'closed'}`,
          asking(path, method, version, keeps),
          fault.target,
          wanted,
          receives
        ]
      })
    )
  )
  return table(group, lines)
}

// RFC 9110 section 9.2.2: a request that is not idempotent is not sent again once a byte of it may have been read.
// biome-ignore format: one row, one line
const posts = table(
  'broken targets, POST',
  [...noAnswer, ...badFraming.slice(0, 2), ...cutBodies].map((fault): Line => {
    const { name, path = '/row', target, sees } = fault
    const sending = raw(request(`POST ${path}`, ['Content-Length: 3'], 'abc'))
    return [name, sending, target, sees, ({ received }) => (received.length === (path === '/refused' ? 0 : 1) ? undefined : `sent ${received.length} times`)]
  })
)

/** All rows of this file. */
export const brokenTargetRows: readonly Row[] = [
  ...product('targets without an answer', noAnswer),
  ...product('targets with a bad head', badHeads),
  ...product('targets with bad framing', badFraming),
  ...product('targets that break off', cutBodies, either(okay, bad)),
  ...product('targets that say too much', tooMuch),
  ...posts
]
