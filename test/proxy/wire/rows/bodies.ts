/** Bodies of requests: RFC 9112 sections 6 and 7, RFC 9110 section 10.1.1. */
import { answer, continues, mirror, ok, sends } from '../does.ts'
import { type Check, type Line, type Row, type Sending, table } from '../row.ts'
import {
  aborted,
  all,
  answered,
  bodies,
  body,
  closed,
  dropped,
  either,
  got,
  gotBody,
  interim,
  kept,
  lacks,
  noByte,
  noInterimBut,
  nothing,
  requests,
  status,
  unsplit
} from '../sees.ts'
import { chunked, get, head, host, old, post, raw, request, steps } from '../sends.ts'

const fine = all(answered(200), kept)

const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`
const big = 'x'.repeat(70_000)

const framings: [name: string, fields: string[], sent: string, arrives: string][] = [
  ['no body', [], '', ''],
  ['length 0', ['Content-Length: 0'], '', ''],
  ['length 3', ['Content-Length: 3'], 'abc', 'abc'],
  ['length 70000', [`Content-Length: ${big.length}`], big, big],
  ['chunked', ['Transfer-Encoding: chunked'], `${chunk('ab')}${chunk('c')}0\r\n\r\n`, 'abc'],
  ['chunked, 70000', ['Transfer-Encoding: chunked'], `${chunk(big)}0\r\n\r\n`, big],
  ['chunked, empty', ['Transfer-Encoding: chunked'], '0\r\n\r\n', '']
]

// biome-ignore format: one row, one line
const methods = table(
  'request bodies',
  ['POST', 'PUT', 'PATCH', 'DELETE', 'GET', 'OPTIONS'].flatMap(method =>
    framings.map(
      ([name, fields, sent, arrives]): Line => [
        `${method}, ${name}`,
        raw(request(`${method} /row`, fields, sent)),
        mirror,
        all(fine, body(arrives)),
        gotBody(arrives),
        // RFC 9110 sections 9.3.1 and 9.3.5: content in these has no meaning, and some refuse it.
        arrives !== '' && ['GET', 'DELETE', 'OPTIONS'].includes(method) ? { mayRefuse: [400, 405, 411] } : {}
      ]
    )
  )
)

// biome-ignore format: one row, one line
const spellings = table('request bodies', [
  ['hexadecimal in capitals', chunked(`A\r\n${'x'.repeat(10)}\r\n0\r\n\r\n`), mirror, fine, gotBody('x'.repeat(10))],
  ['zeros before a size', chunked('0003\r\nabc\r\n0\r\n\r\n'), mirror, fine, gotBody('abc'), { mayRefuse: [400] }],
  ['zeros at the end', chunked('3\r\nabc\r\n000\r\n\r\n'), mirror, fine, gotBody('abc')],
  ['chunk extensions', chunked('3;a=b;c="d e"\r\nabc\r\n0;z\r\n\r\n'), mirror, fine, gotBody('abc'), { mayRefuse: [400] }],
  ['a hundred chunks', chunked(`${'1\r\nx\r\n'.repeat(100)}0\r\n\r\n`), mirror, fine, gotBody('x'.repeat(100))],
  ['CHUNKED', raw(request('POST /row', ['Transfer-Encoding: CHUNKED'], '3\r\nabc\r\n0\r\n\r\n')), mirror, fine, gotBody('abc')],
  ['zeros before a length', post('abc', 'Content-Length: 003'), mirror, fine, gotBody('abc'), { mayRefuse: [400] }],
  ['trailers', chunked('3\r\nabc\r\n0\r\nX-T: 1\r\n\r\n', 'Trailer: X-T'), mirror, fine, all(gotBody('abc'), lacks('x-t'))],
  ['trailers that frame are not believed', chunked('3\r\nabc\r\n0\r\nContent-Length: 9\r\nHost: evil.example\r\n\r\n'), mirror, fine, all(gotBody('abc'), got('host', host)), { mayRefuse: [400] }],
  ['a trailer that would be a field of the head', chunked('3\r\nabc\r\n0\r\nAuthorization: Basic eA==\r\n\r\n'), mirror, fine, all(gotBody('abc'), lacks('authorization')), { mayRefuse: [400] }],
  ['a body, byte by byte', byteByByte(request('POST /row', ['Content-Length: 3'], 'abc'), 'POST'), mirror, fine, gotBody('abc')],
  ['chunks, byte by byte', byteByByte(request('POST /row', ['Transfer-Encoding: chunked'], '3;x\r\nabc\r\n0\r\nX: 1\r\n\r\n'), 'POST'), mirror, fine, gotBody('abc')],
  ['a GET, byte by byte', byteByByte(request('GET /row'), 'GET'), ok, fine, gotBody('')],
  ['a length in HTTP/1.0', raw(request('POST /row', [`Host: ${host}`, 'Content-Length: 3'], 'abc', 'HTTP/1.0')), mirror, all(answered(200), body('abc')), gotBody('abc')],
  ['no length in HTTP/1.0', raw(request('POST /row', [`Host: ${host}`], '', 'HTTP/1.0')), mirror, answered(200), gotBody('')],
  ['HTTP/1.0 that asks to be kept', old('GET /row', `Host: ${host}`, 'Connection: keep-alive'), ok, answered(200), requests(1)],
  ['a body that looks like a request', post('GET /smuggled HTTP/1.1\r\n\r\n', 'Content-Length: 26'), mirror, fine, gotBody('GET /smuggled HTTP/1.1\r\n\r\n')],
  ['a body of every byte', post(everyByte(), 'Content-Length: 256'), mirror, all(fine, body(everyByte())), gotBody(everyByte())]
])

function everyByte(): string {
  return String.fromCharCode(...Array(256).keys())
}

function byteByByte(text: string, method: string): Sending {
  return steps([method], async client => {
    for (const byte of text) {
      client.send(byte)
      await new Promise(setImmediate)
    }
  })
}

const waits = (body: string, ...fields: string[]): Sending =>
  steps(['POST'], async client => {
    client.send(request('POST /row', ['Expect: 100-continue', `Content-Length: ${body.length}`, ...fields]))
    await client.seen('HTTP/1.1 ')
    if (client.received.startsWith('HTTP/1.1 100')) client.send(body)
    else client.halfClose()
  })

function waited({ interim }: Parameters<Check>[0]): string | undefined {
  return interim.length > 0 ? undefined : 'no 100 came'
}

// biome-ignore format: one row, one line
const expect = table('Expect', [
  ['the client waits for 100', waits('abc'), continues, all(answered(200), waited, noInterimBut(100)), gotBody('abc')],
  ['the client waits for 100, the target says nothing', waits('abc'), mirror, all(answered(200), interim(100)), gotBody('abc'), { ours: 'the target breaks RFC 9110 section 10.1.1; to wait for it is right' }],
  ['the client does not wait', post('abc', 'Expect: 100-continue', 'Content-Length: 3'), continues, all(answered(200), noInterimBut(100), kept), gotBody('abc')],
  ['in capitals', post('abc', 'Expect: 100-Continue', 'Content-Length: 3'), continues, answered(200), gotBody('abc')],
  ['chunked', chunked('3\r\nabc\r\n0\r\n\r\n', 'Expect: 100-continue'), continues, answered(200), gotBody('abc')],
  ['without a body', get('Expect: 100-continue'), ok, all(answered(200), noInterimBut(100)), gotBody('')],
  ['HTTP/1.0 gets no 100', raw(request('POST /row', [`Host: ${host}`, 'Expect: 100-continue', 'Content-Length: 3'], 'abc', 'HTTP/1.0')), continues, all(answered(200), interim()), gotBody('abc')],
  ['another expectation', post('abc', 'Expect: 200-ok', 'Content-Length: 3'), mirror, answered(200), gotBody('abc'), { mayRefuse: [400, 417] }],
  ['a final answer instead of 100', waits('abc'), refusesEarly, all(status(403), interim()), anyPart, { ours: 'RFC 9110 lets a proxy answer 100 itself' }],
  ['too large by its length: no 100', expectLimited(), mirror, all(status(413), interim()), noByte, { ours: 'a rule with max_body_bytes' }]
])

async function refusesEarly(connection: Parameters<typeof ok>[0]): Promise<void> {
  await connection.head()
  connection.send(answer('403 Forbidden', ['Connection: close', 'Content-Length: 2'], 'no')).end()
  await connection.gone()
}

function anyPart({ received, partial }: Parameters<Check>[0]): string | undefined {
  return received.length + partial.length === 1 ? undefined : 'the target did not get the request once'
}

function expectLimited(): Sending {
  return steps(['POST'], async client => {
    client.send(request('POST /limited', ['Expect: 100-continue', 'Content-Length: 11']))
    await client.answers(1)
    client.halfClose()
  })
}

const one = request('GET /one')
const two = request('GET /two')
const upload = request('POST /up', ['Content-Length: 2'], 'up')
// biome-ignore format: one row, one line
const pipelined = table('pipelining', [
  ['two GETs', raw(one + two), pathMirror, all(answered(200, 200), bodies('/one', '/two'), kept), requests(2)],
  ['ten GETs', raw(one.repeat(10)), pathMirror, all(answered(...Array(10).fill(200)), kept), requests(10)],
  ['GET, POST, GET', raw(one + upload + two), pathMirror, all(answered(200, 200, 200), bodies('/one', '/up', '/two'), kept), requests(3)],
  ['HEAD, GET', raw(request('HEAD /one') + two), pathMirror, all(answered(200, 200), bodies('', '/two'), kept), requests(2)],
  ['POST chunked, GET', raw(request('POST /up', ['Transfer-Encoding: chunked'], '2\r\nup\r\n0\r\n\r\n') + two), pathMirror, all(answered(200, 200), bodies('/up', '/two'), kept), requests(2)],
  ['an answer that closes at the target is no end for the second', raw(one + two), sends(answer('200 OK', ['Connection: close', 'Content-Length: 2'], 'ok')), all(answered(200, 200), kept), requests(2)],
  ['nothing is done behind Connection: close', raw(request('GET /one', ['Connection: close']) + two, [{ method: 'GET', version: '1.1' }]), pathMirror, all(answered(200), bodies('/one'), closed), requests(1)],
  ['nothing is done behind HTTP/1.0', raw(request('GET /one', [`Host: ${host}`], '', 'HTTP/1.0') + two, [{ method: 'GET', version: '1.0' }]), pathMirror, all(answered(200), bodies('/one'), closed), requests(1)],
  ['garbage behind a GET', raw(`${one}\x01\x02garbage\r\n\r\n`, [{ method: 'GET', version: '1.1' }, { method: 'GET', version: '1.1' }]), pathMirror, either(answered(200, 400), answered(400), answered(200)), ({ received }) => (received.length <= 1 ? undefined : 'garbage was forwarded')],
  ['a GET behind a target that resets', raw(upload + two), resetsUploads, either(answered(502, 200), answered(502)), ({ received }) => (received.length <= 2 ? undefined : 'too many requests')],
  ['a GET behind a target that breaks off', raw(one + two), cutsFirst, either(aborted, answered(502, 200), answered(502)), ({ received }) => (received.length <= 2 ? undefined : 'too many requests')],
  ['a GET behind an answer with an error', raw(request('GET /refused') + two), pathMirror, either(answered(502, 200), answered(503, 200), answered(502), answered(503)), ({ received }) => (received.length <= 1 ? undefined : 'too many requests')]
])

async function resetsUploads(connection: Parameters<typeof ok>[0]): Promise<void> {
  const { method } = await connection.request()
  if (method === 'GET') return void connection.send(answer('200 OK', ['Content-Length: 4'], '/two'))
  connection.reset()
  await connection.gone()
}

async function cutsFirst(connection: Parameters<typeof ok>[0]): Promise<void> {
  const { target } = await connection.request()
  if (target === '/two') return void connection.send(answer('200 OK', ['Content-Length: 4'], '/two'))
  connection.send(answer('200 OK', ['Content-Length: 100'], 'part')).end()
  await connection.gone()
}

async function pathMirror(connection: Parameters<typeof ok>[0]): Promise<void> {
  const { target, method } = await connection.request()
  connection.send(answer('200 OK', [`Content-Length: ${target.length}`], method === 'HEAD' ? '' : target))
}

// To the proxy these bytes are the body that was announced, whatever the client means by them.
function bodyOfRequests(): Sending {
  return steps(['POST'], async client => {
    client.send(request('POST /limited', ['Expect: 100-continue', 'Content-Length: 100']))
    await client.answers(1)
    client.send('GET /smuggled HTTP/1.1\r\nHost: evil.example\r\n\r\n').halfClose()
  })
}

const limitedRule = { ours: 'a rule with max_body_bytes' }
const eleven = 'x'.repeat(11)
// biome-ignore format: one row, one line
const limits = table('max_body_bytes', [
  ['as large as allowed', raw(request('POST /limited', ['Content-Length: 10'], 'x'.repeat(10))), mirror, fine, gotBody('x'.repeat(10)), limitedRule],
  ['as large as allowed, chunked', raw(request('POST /limited', ['Transfer-Encoding: chunked'], `${chunk('x'.repeat(10))}0\r\n\r\n`)), mirror, fine, gotBody('x'.repeat(10)), limitedRule],
  ['too large', raw(request('POST /limited', ['Content-Length: 11'], eleven)), mirror, status(413), noByte, limitedRule],
  ['too large, chunked', raw(request('POST /limited', ['Transfer-Encoding: chunked'], `${chunk(eleven)}0\r\n\r\n`)), mirror, status(413), nothing, limitedRule],
  ['too large in many chunks', raw(request('POST /limited', ['Transfer-Encoding: chunked'], `${'1\r\nx\r\n'.repeat(11)}0\r\n\r\n`)), mirror, status(413), nothing, limitedRule],
  ['too large in HTTP/1.0', raw(request('POST /limited', ['Content-Length: 11'], eleven, 'HTTP/1.0')), mirror, status(413), noByte, limitedRule],
  ['a length that is not sent', steps(['POST'], client => client.send(request('POST /limited', ['Content-Length: 999999999999'])).halfClose()), mirror, either(status(413), dropped), noByte, limitedRule],
  ['a GET behind what is too large', raw(request('POST /limited', ['Content-Length: 11'], eleven) + two), mirror, either(answered(413, 200), answered(413)), ({ received }) => (received.length <= 1 ? undefined : 'too many requests'), limitedRule],
  ['a GET behind what is too large, chunked', raw(request('POST /limited', ['Transfer-Encoding: chunked'], `${chunk(eleven)}0\r\n\r\n`) + two), mirror, either(answered(413, 200), answered(413)), ({ received }) => (received.length <= 1 ? undefined : 'too many requests'), limitedRule],
  ['a request where a refused body was due', bodyOfRequests(), mirror, ({ answers }) => (answers[0]?.status === 413 ? undefined : 'not refused'), unsplit, limitedRule],
  ['HEAD with a body', raw(request('HEAD /limited', ['Content-Length: 11'], eleven)), mirror, status(413), noByte, limitedRule],
  ['HEAD without one', head(), ok, answered(200), requests(1)]
])

const earlyAnswer = answer('403 Forbidden', ['Content-Length: 2'], 'no')
const streams = { ours: 'a proxy may take the whole body before it forwards it' }
// biome-ignore format: one row, one line
const early = table('early answers', [
  ['an answer before the body ends, then the rest', uploads('rest'), answersEarly(earlyAnswer), all(answered(403), body('no')), anyPart, streams],
  ['an answer that closes before the body ends', uploads('rest'), answersEarly(answer('403 Forbidden', ['Connection: close', 'Content-Length: 2'], 'no'), true), all(answered(403), body('no')), anyPart, streams],
  ['an answer before the body ends, chunked upload', uploads('rest', true), answersEarly(earlyAnswer), all(answered(403), body('no')), anyPart, streams],
  ['an answer before the body ends; the client leaves it at that', uploads('stop'), answersEarly(earlyAnswer), all(answered(403), body('no')), anyPart, streams],
  ['a reset in the middle of the upload', uploads('rest'), resetsEarly, status(502, 504), anyPart, streams],
  ['the connection ended in the middle of the upload', uploads('rest'), endsEarly, status(502, 504), anyPart, streams]
])

function uploads(then: 'rest' | 'stop', isChunked = false): Sending {
  return steps(['POST'], async client => {
    const framing = isChunked ? 'Transfer-Encoding: chunked' : 'Content-Length: 2000'
    client.send(request('POST /row', [framing], isChunked ? chunk('begin') : 'begin'))
    await client.answers(1)
    if (then === 'stop') client.halfClose()
    else client.send(isChunked ? `${chunk('rest')}0\r\n\r\n` : 'x'.repeat(1995))
  })
}

function answersEarly(text: string, closes = false): Row['target'] {
  return async connection => {
    await connection.seen('begin')
    connection.send(text)
    if (closes) connection.end()
    await connection.gone()
  }
}

async function resetsEarly(connection: Parameters<typeof ok>[0]): Promise<void> {
  await connection.seen('begin')
  connection.reset()
  await connection.gone()
}

async function endsEarly(connection: Parameters<typeof ok>[0]): Promise<void> {
  await connection.seen('begin')
  connection.end()
  await connection.gone()
}

/** All rows of this file. */
export const bodyRows: readonly Row[] = [...methods, ...spellings, ...expect, ...pipelined, ...limits, ...early]
