/** Messages that two readers could split in two ways: what is forwarded is one message for one message, or nothing is. */
import { mirror } from '../does.ts'
import { type Check, type Line, type Row, type Sending, type Terms, table } from '../row.ts'
import { answered, dropped, either, gotBody, nothing, status, unsplit } from '../sees.ts'
import { chunked, host, raw, request } from '../sends.ts'

const refusing = status(400)
const posted: Terms = { mayRefuse: [400, 411, 413, 422, 431, 501] }
const asPost = [{ method: 'POST', version: '1.1' }] as const
const smuggled = 'GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n'

/** A POST whose head holds these lines as they are, followed by `body`. */
function rawPost(lines: string, body: string): Sending {
  const text = `POST /row HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n\r\n${body}`
  // What follows the body of one reading is a request of another: the client goes on reading until the proxy ends.
  return {
    asks: asPost,
    run: async client => {
      client.send(text)
      await client.answers(1)
      client.halfClose()
    }
  }
}

function once200({ answers, cut }: Parameters<Check>[0]): string | undefined {
  const codes = answers.map(({ status }) => status)
  return !cut && (codes.join() === '200' || codes.join() === '200,400') ? undefined : `saw ${codes.join(', ')}${cut ? ', cut off' : ''}`
}

// RFC 9112 section 6.3: both may be refused; when it is taken, Transfer-Encoding counts and the length goes.
// biome-ignore format: one row, one line
const both = table('smuggling, length and coding', [
  ['CL.TE', rawPost('Content-Length: 4\r\nTransfer-Encoding: chunked', `0\r\n\r\n${smuggled}`), mirror, once200, unsplit, posted],
  ['TE.CL', rawPost('Transfer-Encoding: chunked\r\nContent-Length: 4', `5\r\nhello\r\n0\r\n\r\n${smuggled}`), mirror, once200, unsplit, posted],
  ['TE.CL, the same length', rawPost('Transfer-Encoding: chunked\r\nContent-Length: 15', '5\r\nhello\r\n0\r\n\r\n'), mirror, once200, gotBody('hello'), posted],
  ['CL.0: a length that covers a request', rawPost(`Content-Length: ${smuggled.length}`, smuggled), mirror, answered(200), gotBody(smuggled)],
  ['a GET with both', raw(`GET /row HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`), mirror, once200, unsplit, posted],
  ['TE in HTTP/1.0', raw(request('POST /row', [`Host: ${host}`, 'Transfer-Encoding: chunked'], '3\r\nabc\r\n0\r\n\r\n', 'HTTP/1.0'), [{ method: 'POST', version: '1.0' }]), mirror, answered(200), unsplit, posted],
  ['TE and CL in HTTP/1.0', raw(request('POST /row', [`Host: ${host}`, 'Transfer-Encoding: chunked', 'Content-Length: 13'], '3\r\nabc\r\n0\r\n\r\n', 'HTTP/1.0'), [{ method: 'POST', version: '1.0' }]), mirror, answered(200), unsplit, posted]
])

const body5 = `5\r\nhello\r\n0\r\n\r\n`
// biome-ignore format: one row, one line
const codings = table(
  'smuggling, codings',
  [
    'Transfer-Encoding: xchunked',
    'Transfer-Encoding: chunked-x',
    'Transfer-Encoding: identity',
    'Transfer-Encoding: gzip',
    'Transfer-Encoding: chunked, identity',
    'Transfer-Encoding: identity, chunked',
    'Transfer-Encoding: chunked, gzip',
    'Transfer-Encoding: gzip, chunked',
    'Transfer-Encoding: chunked, chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
    'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
    'Transfer-Encoding: chunked\r\nTransfer-encoding: cow',
    'Transfer-Encoding: "chunked"',
    'Transfer-Encoding: chunked;q=1',
    'Transfer-Encoding:\x0bchunked',
    'Transfer-Encoding: chunked\x0b',
    'Transfer-Encoding: \x00chunked',
    'Transfer-Encoding: ch\x00unked',
    'Transfer-Encoding: chunked\x7f',
    'Transfer-Encoding: \xa0chunked',
    'Transfer-Encoding:',
    'Transfer-Encoding: ,chunked',
    'Transfer-Encoding:\r\n chunked',
    'Transfer-Encoding:\n chunked',
    'Transfer-Encoding: chunked\r\n\t, identity',
    'Transfer-Encoding : chunked',
    'Transfer-Encoding\t: chunked',
    'Transfer-Encoding\x00: chunked',
    ' Transfer-Encoding: chunked',
    '\tTransfer-Encoding: chunked',
    'X: x\nTransfer-Encoding: chunked',
    'X: x\rTransfer-Encoding: chunked',
    'X: x\r\n Transfer-Encoding: chunked',
    'X:\x00\r\nTransfer-Encoding: chunked',
    'Transfer_Encoding: chunked',
    'Transfer-Encoding\xad: chunked'
  ].map(
    (lines): Line => [
      `${JSON.stringify(lines)}, with a length`,
      // By the coding the body ends early and a request follows; by the length it does not.
      rawPost(`${lines}\r\nContent-Length: ${body5.length + smuggled.length}`, body5 + smuggled),
      mirror,
      once200,
      unsplit,
      posted
    ]
  )
)

// RFC 9112 section 6.3, item 4: a coding of a request that does not end in chunked is 400.
// biome-ignore format: one row, one line
const alone = table(
  'smuggling, codings',
  ['xchunked', 'identity', 'gzip', 'chunked, identity', 'chunked, gzip', '', '"chunked"', 'chunked\x0b', 'chu nked'].map(
    (coding): Line => [`Transfer-Encoding: ${JSON.stringify(coding)}, alone`, rawPost(`Transfer-Encoding: ${coding}`, body5), mirror, status(400, 501), nothing]
  )
)

// RFC 9112 section 6.3, item 5: an invalid length is 400; a list of the same one may be taken as one.
// biome-ignore format: one row, one line
const lengths = table('smuggling, lengths', [
  ...['5, 6', '6, 5', '+5', '-5', '0x5', '5 5', '5;', '5,', ',5', '5.0', '5e0', '٥', 'five', '', '5\x0b', '5\x00', '\x0b5', '18446744073709551621', '99999999999999999999999999', '-0'].map(
    (value): Line => [`Content-Length: ${JSON.stringify(value)}`, rawPost(`Content-Length: ${Buffer.from(value).toString('latin1')}`, 'hello'), mirror, status(400, 413), nothing]
  ),
  ['two lengths', rawPost('Content-Length: 5\r\nContent-Length: 6', 'hello!'), mirror, refusing, nothing],
  ['two lengths, the first 0', rawPost(`Content-Length: 0\r\nContent-Length: ${smuggled.length}`, smuggled), mirror, refusing, nothing],
  ['the same length twice', rawPost('Content-Length: 5\r\nContent-Length: 5', 'hello'), mirror, answered(200), gotBody('hello'), posted],
  ['the same length in a list', rawPost('Content-Length: 5, 5', 'hello'), mirror, answered(200), gotBody('hello'), posted],
  ['a folded length', rawPost('Content-Length:\r\n 5', 'hello'), mirror, answered(200), gotBody('hello'), posted],
  ['spaces around a length', rawPost('Content-Length: \t 5 \t ', 'hello'), mirror, answered(200), gotBody('hello')],
  ['a space before the colon', rawPost('Content-Length : 5', 'hello'), mirror, refusing, nothing],
  ['Content_Length is no length', rawPost(`Content_Length: ${smuggled.length}\r\nContent-Length: 5`, 'hello'), mirror, answered(200), gotBody('hello'), posted],
  ['no length at all', rawPost('X: 1', ''), mirror, answered(200), gotBody(''), posted]
])

const badChunks = [
  '0x5\r\nhello',
  '+5\r\nhello',
  '-5\r\nhello',
  ' 5\r\nhello',
  '5 5\r\nhello',
  '\r\nhello',
  'g\r\nhello',
  '5\nhello',
  '5\rhello',
  '5\r\r\nhello',
  '\x005\r\nhello',
  '5\x00\r\nhello',
  '10000000000000005\r\nhello',
  'FFFFFFFFFFFFFFFFF\r\nhello',
  '5_\r\nhello',
  '5,\r\nhello',
  '5.\r\nhello',
  '4\r\nhello',
  '6\r\nhello',
  '5;a\nb\r\nhello',
  '5;a\rb\r\nhello',
  '5;a=\x00\r\nhello',
  '5 \x0b\r\nhello'
]
// biome-ignore format: one row, one line
const chunks = table('smuggling, chunks', [
  ...badChunks.map((text): Line => [`chunk ${JSON.stringify(text)}`, badChunk(`${text}\r\n0\r\n\r\n${smuggled}`), mirror, either(status(400, 502), dropped), nothing]),
  ['a chunk without CRLF behind it', badChunk(`5\r\nhello0\r\n\r\n${smuggled}`), mirror, either(status(400, 502), dropped), nothing],
  ['a chunk with LF behind it', badChunk(`5\r\nhello\n0\r\n\r\n${smuggled}`), mirror, either(status(400, 502), dropped), nothing],
  ['a last chunk with LF behind it', badChunk(`5\r\nhello\r\n0\n\n${smuggled}`), mirror, either(status(400, 502), dropped), nothing],
  ['space behind a size', chunked('5 \r\nhello\r\n0\r\n\r\n'), mirror, answered(200), gotBody('hello'), posted],
  ['a chunk extension of 100 KB', chunked(`5;${'a'.repeat(100_000)}\r\nhello\r\n0\r\n\r\n`), mirror, answered(200), gotBody('hello'), { mayRefuse: [400, 413, 431, 502] }],
  ['a thousand chunk extensions', chunked(`${`1;${'a'.repeat(100)}\r\nx\r\n`.repeat(1000)}0\r\n\r\n`), mirror, answered(200), gotBody('x'.repeat(1000)), posted],
  ['a folded trailer', chunked('5\r\nhello\r\n0\r\nX-T: a\r\n b\r\n\r\n'), mirror, answered(200), gotBody('hello'), posted],
  ['a trailer without a colon', badChunk('5\r\nhello\r\n0\r\nnonsense\r\n\r\n'), mirror, either(status(400, 502), dropped), nothing],
  ['a trailer with NUL', chunked('5\r\nhello\r\n0\r\nX-T: \x00\r\n\r\n'), mirror, answered(200), gotBody('hello'), posted],
  ['a trailer with a coding', chunked('5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'), mirror, answered(200), gotBody('hello'), posted],
  ['a flood of trailers', chunked(`5\r\nhello\r\n0\r\n${'X-T: 1\r\n'.repeat(20_000)}\r\n`), mirror, answered(200), gotBody('hello'), { mayRefuse: [400, 413, 431, 502] }]
])

/** A chunked POST; the client ends its side when an answer or nothing came. */
function badChunk(text: string): Sending {
  const { asks } = chunked('')
  return {
    asks,
    run: client => {
      client.send(request('POST /row', ['Transfer-Encoding: chunked'], text))
      client.halfClose()
    }
  }
}

/** All rows of this file. */
export const smugglingRows: readonly Row[] = [...both, ...codings, ...alone, ...lengths, ...chunks]
