/** RFC 9110 section 7.6.1: what belongs to one connection ends there, in both directions. */
import { answer, ok, okWith, sends } from '../does.ts'
import { type Doing, type Row, table } from '../row.ts'
import { all, answered, anything, either, field, got, gotBody, kept, lacks, noField, once, status } from '../sees.ts'
import { get, host, old, post } from '../sends.ts'

const fine = all(answered(200), kept)
const webSocket = ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==']

/** Takes an upgrade that reached it; without one, answers as usual. */
const switches: Doing = async connection => {
  const { fields } = await connection.request()
  const upgrade = fields.find(([name]) => name === 'upgrade')?.[1]
  if (upgrade === undefined) return void connection.send(answer('200 OK', ['Content-Length: 2'], 'ok'))
  connection.send(answer('101 Switching Protocols', ['Connection: Upgrade', `Upgrade: ${upgrade}`]))
  await connection.gone()
}

const tunnel = 'a proxy may switch protocols between its two ends'
const hopByHop = 'RFC 9110 lets a gateway pass it on'

// biome-ignore format: one row, one line
const requestRows = table('hop-by-hop, request', [
  ['Connection nominates a field', get('Connection: X-Hop', 'X-Hop: 1'), ok, fine, lacks('x-hop')],
  ['Connection nominates in another case', get('Connection: x-HOP', 'X-Hop: 1'), ok, fine, lacks('x-hop')],
  ['Connection nominates two', get('Connection: X-A, X-B', 'X-A: 1', 'X-B: 2', 'X-C: 3'), ok, fine, all(lacks('x-a', 'x-b'), got('x-c'))],
  ['Connection twice', get('Connection: X-A', 'Connection: X-B', 'X-A: 1', 'X-B: 2'), ok, fine, lacks('x-a', 'x-b')],
  ['Connection with empty elements and tabs', get('Connection: ,\tX-A ,,X-B,', 'X-A: 1', 'X-B: 2'), ok, fine, lacks('x-a', 'x-b')],
  ['Connection after the field', get('X-Hop: 1', 'Connection: X-Hop'), ok, fine, lacks('x-hop')],
  ['the nominated field is there twice', get('X-Hop: 1', 'Connection: X-Hop', 'X-Hop: 2'), ok, fine, lacks('x-hop')],
  ['keep-alive and a field', get('Connection: keep-alive, X-Hop', 'X-Hop: 1'), ok, fine, lacks('x-hop')],
  ['close and a field', get('Connection: close, X-Hop', 'X-Hop: 1'), ok, answered(200), lacks('x-hop')],
  ['Connection nominates itself', get('Connection: Connection'), ok, answered(200), once, { mayRefuse: [400] }],
  ['Connection nominates Host', get('Connection: Host'), ok, answered(200), got('host'), { mayRefuse: [400] }],
  ['Connection nominates Content-Length', post('abc', 'Connection: Content-Length', 'Content-Length: 3'), ok, fine, gotBody('abc'), { mayRefuse: [400] }],
  ['Connection nominates Transfer-Encoding', post('3\r\nabc\r\n0\r\n\r\n', 'Connection: Transfer-Encoding', 'Transfer-Encoding: chunked'), ok, fine, gotBody('abc'), { mayRefuse: [400] }],
  ['Connection nominates Cookie', get('Connection: Cookie', 'Cookie: a=1'), ok, fine, lacks('cookie')],
  ['Connection in HTTP/1.0 nominates a field', old('GET /row', 'Connection: X-Hop', 'X-Hop: 1'), ok, answered(200), lacks('x-hop')],
  ['what Connection does not nominate', get('Connection: X-Hop', 'X-Hopper: 1'), ok, fine, got('x-hopper', '1')],
  ['Keep-Alive', get('Connection: keep-alive', 'Keep-Alive: timeout=5'), ok, fine, lacks('keep-alive')],
  ['Keep-Alive, not nominated', get('Keep-Alive: timeout=5'), ok, fine, lacks('keep-alive')],
  ['Proxy-Connection', get('Proxy-Connection: keep-alive'), ok, fine, lacks('proxy-connection')],
  ['TE, not nominated', get('TE: gzip;q=0.5'), ok, fine, noCoding],
  ['TE, nominated', get('Connection: TE', 'TE: gzip, deflate'), ok, fine, noCoding],
  ['TE with trailers among others', get('Connection: TE', 'TE: gzip;q=0.5, trailers'), ok, fine, noCoding],
  ['Upgrade to h2c', get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'), ok, fine, lacks('upgrade', 'http2-settings'), { ours: tunnel }],
  ['Upgrade, not nominated', get('Upgrade: h2c'), ok, fine, lacks('upgrade')],
  ['Upgrade to h2c that the target would take', get('Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__'), switches, either(status(502, 504), all(answered(200), kept)), once, { ours: tunnel }],
  ['Upgrade to a protocol that nobody knows, which the target would take', get('Connection: Upgrade', 'Upgrade: x-proto'), switches, either(status(502, 504), all(answered(200), kept)), once, { mayRefuse: [400, 501], ours: tunnel }],
  ['an upgrade that the target refuses is no tunnel', get(...webSocket), sends(answer('403 Forbidden', ['Content-Length: 2'], 'no')), status(403), anything, { mayRefuse: [400, 426, 502] }],
  ['an upgrade that the target answers like any request is no tunnel', get(...webSocket), ok, status(200), anything, { mayRefuse: [400, 426, 502] }],
  ['an upgrade in HTTP/1.0 is none', old('GET /row', `Host: ${host}`, ...webSocket), ok, answered(200), lacks('upgrade'), { mayRefuse: [400, 426, 502] }],
  ['Transfer-Encoding is of this hop: the body arrives', post('3\r\nabc\r\n0\r\n\r\n', 'Transfer-Encoding: chunked'), ok, fine, gotBody('abc')],
  ['Proxy-Authorization', get('Proxy-Authorization: Basic eA=='), ok, fine, lacks('proxy-authorization'), { ours: hopByHop }],
  ['Proxy (httpoxy)', get('Proxy: http://evil.example'), ok, fine, lacks('proxy'), { ours: 'CVE-2016-5385; no RFC' }],
  ['a Connection field of 8000 names', get(`Connection: ${'x,'.repeat(4000)}X-Hop`, 'X-Hop: 1'), ok, fine, lacks('x-hop'), { mayRefuse: [400, 431] }]
])

function noCoding(seen: Parameters<ReturnType<typeof got>>[0]): string | undefined {
  const fault = lacks('te')(seen)
  return fault === undefined ? undefined : got('te', /^trailers$/i)(seen)
}

/** Fields of an answer, and what the client must not see of them. */
const endHere: [name: string, fields: string[], gone: string[]][] = [
  ['a field that Connection nominates', ['Connection: X-Hop', 'X-Hop: 1'], ['x-hop']],
  ['a field nominated in another case', ['Connection: x-HOP', 'X-Hop: 1'], ['x-hop']],
  ['two nominated fields', ['Connection: X-A, X-B', 'X-A: 1', 'X-B: 2'], ['x-a', 'x-b']],
  ['Connection twice', ['Connection: X-A', 'Connection: X-B', 'X-A: 1', 'X-B: 2'], ['x-a', 'x-b']],
  ['keep-alive and a field', ['Connection: keep-alive, X-Hop', 'X-Hop: 1'], ['x-hop']],
  ['close and a field', ['Connection: close, X-Hop', 'X-Hop: 1'], ['x-hop']],
  ['Proxy-Connection', ['Proxy-Connection: keep-alive'], ['proxy-connection']],
  ['TE', ['TE: trailers'], ['te']],
  ['Upgrade', ['Connection: Upgrade', 'Upgrade: h2c'], ['upgrade']],
  ['Upgrade, not nominated', ['Upgrade: h2c'], ['upgrade']]
]

// biome-ignore format: one row, one line
const responseRows = table('hop-by-hop, response', [
  ...endHere.flatMap(([name, fields, gone]) => [
    [`${name}`, get(), okWith(...fields), fine, once] as const,
    [`${name}, ends here`, get(), okWith(...fields), all(answered(200), noField(...gone)), once] as const,
    [`${name}, to HTTP/1.0`, old('GET /row'), okWith(...fields), all(answered(200), noField(...gone)), once] as const
  ]),
  ['Keep-Alive of the target', get(), okWith('Connection: keep-alive', 'Keep-Alive: timeout=7, max=3'), all(fine, notField('keep-alive', 'timeout=7, max=3')), once],
  ['Connection: close of the target', get(), okWith('Connection: close'), fine, once],
  ['Proxy-Authenticate', get(), okWith('Proxy-Authenticate: Basic'), all(fine, noField('proxy-authenticate')), once, { ours: hopByHop }],
  ['what is not nominated', get(), okWith('X-Kept: a', 'X-Kept: b'), all(fine, field('x-kept', 'a, b')), once],
  ['Connection of an answer nominates Content-Length', get(), okWith('Connection: Content-Length'), fine, once],
  ['an HTTP/1.0 answer with Connection: keep-alive', get(), sends(answer('200 OK', ['Connection: keep-alive', 'Content-Length: 2'], 'ok', 'HTTP/1.0')), fine, once]
])

function notField(name: string, value: string): ReturnType<typeof field> {
  return seen => (field(name, value)(seen) === undefined ? `the answer still has ${name}: ${value}` : undefined)
}

/** All rows of this file. */
export const hopByHopRows: readonly Row[] = [...requestRows, ...responseRows]
