/** Answers of targets that do nothing wrong, in every framing, to every kind of client. */
import { answer, ok, sends, sendsAndEnds } from '../does.ts'
import { type Check, type Doing, type Line, type Row, type Sending, table } from '../row.ts'
import { all, answered, body, broken, either, field, interim, kept, noField, once } from '../sees.ts'
import { get, head, host, old, raw, request } from '../sends.ts'

/** Who asks. */
const clients: [name: string, send: () => Sending, hasBody: boolean][] = [
  ['HTTP/1.1', () => get(), true],
  ['HTTP/1.1, closed', () => get('Connection: close'), true],
  ['HTTP/1.0', () => old('GET /row', `Host: ${host}`), true],
  ['HTTP/1.0, kept', () => old('GET /row', `Host: ${host}`, 'Connection: keep-alive'), true],
  ['HEAD', () => head(), false]
]

const sizes: [name: string, text: string][] = [
  ['empty', ''],
  ['2 bytes', 'ok'],
  ['70000 bytes', 'y'.repeat(70_000)]
]

type Framed = (text: string, withBody: boolean) => Doing
const framings: [name: string, framed: Framed][] = [
  ['length', (text, withBody) => sends(answer('200 OK', [`Content-Length: ${text.length}`], withBody ? text : ''))],
  ['chunked', (text, withBody) => sends(answer('200 OK', ['Transfer-Encoding: chunked'], withBody ? toChunks(text) : ''))],
  ['until the end', (text, withBody) => sendsAndEnds(answer('200 OK', ['Connection: close'], withBody ? text : ''))],
  [
    'HTTP/1.0, length',
    (text, withBody) => sendsAndEnds(answer('200 OK', [`Content-Length: ${text.length}`], withBody ? text : '', 'HTTP/1.0'))
  ],
  ['HTTP/1.0, until the end', (text, withBody) => sendsAndEnds(answer('200 OK', [], withBody ? text : '', 'HTTP/1.0'))]
]

function toChunks(text: string): string {
  const parts = text.match(/.{1,5000}/gs) ?? []
  return `${parts.map(part => `${part.length.toString(16)}\r\n${part}\r\n`).join('')}0\r\n\r\n`
}

// biome-ignore format: one row, one line
const framed = table(
  'answers',
  framings.flatMap(([framing, framed]) =>
    sizes.flatMap(([size, text]) =>
      clients.map(
        ([name, send, hasBody]): Line => [
          `${framing}, ${size}, to ${name}`,
          send(),
          framed(text, hasBody),
          all(answered(200), body(hasBody ? text : '')),
          once
        ]
      )
    )
  )
)

/** Answers that have no body, with one all the same: the next answer on either connection must not begin with it. */
// biome-ignore format: one row, one line
const bodiless = table(
  'no body',
  ['204 No Content', '304 Not Modified', 'HEAD'].flatMap(kind =>
    ['Content-Length: 5', 'Transfer-Encoding: chunked', 'X-None: 1'].flatMap(framing =>
      ['', 'hello', '5\r\nhello\r\n0\r\n\r\n'].map((text): Line => {
        const sent = answer(kind === 'HEAD' ? '200 OK' : kind, [framing], text)
        const code = kind === 'HEAD' ? 200 : Number(kind.slice(0, 3))
        const client = kind === 'HEAD' ? head() : get()
        // RFC 9110 section 8.6: no length with 204, so a target that sends one is broken.
        const terms = kind === '204 No Content' && framing !== 'X-None: 1' ? { mayRefuse: [502] } : {}
        return [`${kind}, ${framing}, ${text.length} bytes sent`, client, sends(sent), all(answered(code), body('')), orAgain, terms]
      })
    )
  )
)

function orAgain({ received }: Parameters<Check>[0]): string | undefined {
  return received.length > 0 ? undefined : 'the target got nothing'
}

const info = (line: string, ...fields: string[]): string => [`HTTP/1.1 ${line}`, ...fields, '', ''].join('\r\n')
const good = answer('200 OK', ['Content-Length: 2'], 'ok')
const fine = all(answered(200), body('ok'))
const informs = (...interims: string[]): Doing => sends(interims.join('') + good)

// RFC 9110 section 15.2: 1xx are forwarded, never to HTTP/1.0.
// biome-ignore format: one row, one line
const interims = table('1xx', [
  ['103 with a Link', get(), informs(info('103 Early Hints', 'Link: </a.css>; rel=preload')), all(fine, interim(103), kept), once],
  ['103 without a Link', get(), informs(info('103 Early Hints', 'X-A: 1')), all(fine, interim(103), kept), once],
  ['102', get(), informs(info('102 Processing')), all(fine, interim(102), kept), once],
  ['one nobody knows', get(), informs(info('199 Odd', 'X-A: 1')), all(fine, interim(199), kept), once],
  ['three in a row', get(), informs(info('102 Processing'), info('103 Early Hints', 'Link: </a>'), info('103 Early Hints', 'Link: </b>')), all(fine, interim(102, 103, 103), kept), once],
  ['100 that nobody expects', get(), informs(info('100 Continue')), all(fine, either(interim(), interim(100)), kept), once],
  ['100, then 103', get(), informs(info('100 Continue'), info('103 Early Hints', 'Link: </a>')), all(fine, either(interim(103), interim(100, 103)), kept), once],
  ['103 to HEAD', head(), sends(info('103 Early Hints', 'Link: </a>') + answer('200 OK', ['Content-Length: 2'])), all(answered(200), interim(103), kept), once],
  ['103 to HTTP/1.0', old('GET /row', `Host: ${host}`), informs(info('103 Early Hints', 'Link: </a>')), all(fine, interim()), once],
  ['102 to HTTP/1.0', old('GET /row', `Host: ${host}`), informs(info('102 Processing')), all(fine, interim()), once],
  ['100 to HTTP/1.0', old('GET /row', `Host: ${host}`), informs(info('100 Continue')), all(fine, interim()), once],
  ['a length in 103 ends here', get(), informs(info('103 Early Hints', 'Link: </a>', 'Content-Length: 5')), either(fine, broken), once],
  ['a coding in 103 ends here', get(), informs(info('103 Early Hints', 'Link: </a>', 'Transfer-Encoding: chunked')), either(fine, broken), once],
  ['103 to a POST', raw(request('POST /row', ['Content-Length: 3'], 'abc')), informs(info('103 Early Hints', 'Link: </a>')), all(fine, interim(103), kept), once],
  ['103 before 204', get(), sends(info('103 Early Hints', 'Link: </a>') + answer('204 No Content')), all(answered(204), interim(103), kept), once],
  ['103 before chunks', get(), sends(info('103 Early Hints', 'Link: </a>') + answer('200 OK', ['Transfer-Encoding: chunked'], '2\r\nok\r\n0\r\n\r\n')), all(fine, interim(103), kept), once],
  ['a hop-by-hop field in 103 ends here', get(), informs(info('103 Early Hints', 'Link: </a>', 'Connection: X-Hop', 'X-Hop: 1')), all(fine, either(interim(103), interim()), noHop), once]
])

function noHop({ interim }: Parameters<Check>[0]): string | undefined {
  return interim.some(({ fields }) => fields.some(([name]) => name === 'x-hop')) ? 'the interim answer has x-hop' : undefined
}

const trailing = (trailers: string, ...fields: string[]): Doing =>
  sends(answer('200 OK', ['Transfer-Encoding: chunked', ...fields], `2\r\nok\r\n0\r\n${trailers}\r\n`))

// biome-ignore format: one row, one line
const trailers = table('trailers of answers', [
  ['trailers, announced', get('Connection: TE', 'TE: trailers'), trailing('X-T: 1\r\n', 'Trailer: X-T'), all(fine, noField('x-t'), kept), once],
  ['trailers, not announced', get(), trailing('X-T: 1\r\n'), all(fine, noField('x-t'), kept), once],
  ['announced, but none come', get(), trailing('', 'Trailer: X-T'), all(fine, kept), once],
  ['to HTTP/1.0', old('GET /row', `Host: ${host}`), trailing('X-T: 1\r\n', 'Trailer: X-T'), all(fine, noField('x-t')), once],
  ['Trailer to HEAD', head(), sends(answer('200 OK', ['Transfer-Encoding: chunked', 'Trailer: X-T'])), all(answered(200), kept), once],
  ['Trailer with a length', get(), sends(answer('200 OK', ['Content-Length: 2', 'Trailer: X-T'], 'ok')), all(fine, kept), once],
  ['Trailer with 304', get(), sends(answer('304 Not Modified', ['Trailer: X-T'])), all(answered(304), kept), once],
  ['a trailer that would frame', get(), trailing('Content-Length: 9\r\nTransfer-Encoding: x\r\n'), either(all(fine, kept), broken), once],
  ['a trailer that would set a cookie', get(), trailing('Set-Cookie: a=1\r\n'), all(fine, noField('set-cookie')), once]
])

const coded = (line: string): Doing => sends(answer(line, ['Content-Length: 2'], 'ok'))
// biome-ignore format: one row, one line
const shapes = table('answers', [
  ['no reason phrase', get(), coded('200 '), fine, once],
  ['a reason phrase of its own', get(), coded('203 Fine By Me'), answered(203), once],
  ['a status nobody knows', get(), coded('299 Odd'), answered(299), once],
  ['599', get(), coded('599 Odd'), answered(599), once],
  ['404 of the target', get(), coded('404 Not Found'), all(answered(404), body('ok'), kept), once],
  ['500 of the target', get(), coded('500 Oops'), all(answered(500), body('ok'), kept), once],
  ['503 of the target with Retry-After', get(), sends(answer('503 No', ['Retry-After: 9', 'Content-Length: 2'], 'no')), all(answered(503), field('retry-after', '9')), orAgain],
  ['205 with length 0', get(), sends(answer('205 Reset Content', ['Content-Length: 0'])), all(answered(205), kept), once],
  ['304 with a length', get(), sends(answer('304 Not Modified', ['Content-Length: 5', 'ETag: "x"'])), all(answered(304), field('etag', '"x"'), kept), once],
  ['HEAD with a length', head(), sends(answer('200 OK', ['Content-Length: 99'])), all(answered(200), field('content-length', '99'), kept), once],
  ['206', get('Range: bytes=0-1'), sends(answer('206 Partial Content', ['Content-Range: bytes 0-1/9', 'Content-Length: 2'], 'ok')), all(answered(206), field('content-range', 'bytes 0-1/9')), once],
  ['a thousand small chunks', get(), sends(answer('200 OK', ['Transfer-Encoding: chunked'], `${'1\r\nz\r\n'.repeat(1000)}0\r\n\r\n`)), all(answered(200), body('z'.repeat(1000)), kept), once],
  ['chunk extensions', get(), sends(answer('200 OK', ['Transfer-Encoding: chunked'], '2;a=b\r\nok\r\n0;c\r\n\r\n')), fine, once],
  ['TRANSFER-ENCODING in capitals', get(), sends(answer('200 OK', ['TRANSFER-ENCODING: CHUNKED'], '2\r\nok\r\n0\r\n\r\n')), fine, once],
  ['Connection: close of the client', raw(request('GET /row', ['Connection: close'])), ok, fine, once],
  ['ninety fields', get(), sends(answer('200 OK', [...Array.from({ length: 90 }, (_, index) => `X-${index}: ${index}`), 'Content-Length: 2'], 'ok')), all(fine, field('x-89', '89')), once]
])

/** All rows of this file. */
export const answerRows: readonly Row[] = [...framed, ...bodiless, ...interims, ...trailers, ...shapes]
