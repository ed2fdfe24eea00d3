/** Who is at which end: Via, forwarding fields, Max-Forwards, request targets and Host. */
import { answer, ok, okWith, sends } from '../does.ts'
import { type Row, table } from '../row.ts'
import { all, answered, bodies, either, field, got, gotTarget, kept, lacks, noByte, noField, nothing, once, status } from '../sees.ts'
import { ask, get, getAt, host, old, raw, request } from '../sends.ts'

const fine = all(answered(200), kept)
const refusing = status(400)
const notInRfc = 'no RFC asks for the field'

// biome-ignore format: one row, one line
const viaRows = table('identity', [
  ['Via is added to the request', get(), ok, fine, got('via', /^1\.1 \S+$/)],
  ['Via goes on', get('Via: 1.0 fred, 1.1 p.example'), ok, fine, got('via', /^1\.0 fred, 1\.1 p\.example, 1\.1 \S+$/)],
  ['Via twice goes on in order', get('Via: 1.0 fred', 'Via: 1.1 p.example'), ok, fine, got('via', /^1\.0 fred, 1\.1 p\.example, 1\.1 \S+$/)],
  ['Via names the version of an HTTP/1.0 request', old('GET /row', `Host: ${host}`), ok, answered(200), got('via', /^1\.0 \S+$/)],
  ['Via of an answer goes on', get(), okWith('Via: 1.0 ricky'), all(fine, field('via', /^1\.0 ricky(, 1\.1 \S+)?$/)), once],
  ['X-Forwarded-For is the connection', get(), ok, fine, got('x-forwarded-for', '127.0.0.1'), { ours: notInRfc }],
  ['X-Forwarded-For of a stranger is not believed', get('X-Forwarded-For: 1.2.3.4'), ok, fine, got('x-forwarded-for', '127.0.0.1'), { ours: notInRfc }],
  ['X-Forwarded-For, nominated by Connection, stays ours', get('Connection: X-Forwarded-For', 'X-Forwarded-For: 1.2.3.4'), ok, fine, got('x-forwarded-for', '127.0.0.1'), { ours: notInRfc }],
  ['X-Forwarded-Proto is the connection', get('X-Forwarded-Proto: https'), ok, fine, got('x-forwarded-proto', 'http'), { ours: notInRfc }],
  ['X-Forwarded-Host is what was asked', get('X-Forwarded-Host: evil.example'), ok, fine, got('x-forwarded-host', host), { ours: notInRfc }],
  ['X-Forwarded-Port of a stranger goes no further', get('X-Forwarded-Port: 99'), ok, fine, lacks('x-forwarded-port'), { ours: notInRfc }],
  ['X-Real-IP is the connection', get('X-Real-IP: 1.2.3.4'), ok, fine, got('x-real-ip', '127.0.0.1'), { ours: notInRfc }],
  ['Forwarded is the connection', get('Forwarded: for=1.2.3.4'), ok, fine, got('forwarded', `for=127.0.0.1;host=${host};proto=http`), { ours: notInRfc }],
  ['X-Request-Id is on both sides', get('X-Request-Id: abc'), ok, all(fine, field('x-request-id', 'abc')), got('x-request-id', 'abc'), { ours: notInRfc }],
  ['Date of the target stays', get(), okWith('Date: Thu, 01 Jan 1970 00:00:00 GMT'), all(fine, field('date', 'Thu, 01 Jan 1970 00:00:00 GMT')), once, { ours: 'no RFC forbids another Date' }],
  ['an answer without Date gets one', get(), ok, all(fine, field('date')), once],
  ['fields keep order and number', get('Cookie: a=1', 'X-A: 1', 'X-A: 2', 'X-A: 3'), ok, fine, got('x-a', /^1, ?2, ?3$/)],
  ['Set-Cookie stays in lines of its own', get(), okWith('Set-Cookie: a=1', 'Set-Cookie: b=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT'), all(fine, twoCookies), once],
  ['octets above 127 pass', get('X-Latin: caf\xe9'), okWith('X-Latin: \xe9t\xe9'), all(fine, field('x-latin', '\xe9t\xe9')), got('x-latin', 'caf\xe9')],
  ['an empty field passes', get('X-Empty:'), ok, fine, got('x-empty', '')],
  ['a rule edits both ways', getAt('/edited', 'X-Gone: 1', 'X-Set: old'), okWith('X-Gone: 1', 'X-Out: old'), all(fine, noField('x-gone'), field('x-out', 'new')), all(lacks('x-gone'), got('x-set', 'new')), { ours: 'a rule with edits' }]
])

function twoCookies({ answers: [first] }: Parameters<ReturnType<typeof field>>[0]): string | undefined {
  const cookies = first?.fields.filter(([name]) => name === 'set-cookie') ?? []
  return cookies.length === 2 ? undefined : `${cookies.length} Set-Cookie fields`
}

// RFC 9110 section 7.6.2. A proxy that does not carry these methods at all says so.
const noMethod = { mayRefuse: [403, 405, 501] }
// biome-ignore format: one row, one line
const maxForwards = table('Max-Forwards', [
  ['OPTIONS, 0: answered here', ask('OPTIONS /row', 'Max-Forwards: 0'), ok, status(200, 204), noByte, noMethod],
  ['OPTIONS, 1: one less', ask('OPTIONS /row', 'Max-Forwards: 1'), ok, fine, got('max-forwards', '0'), noMethod],
  ['OPTIONS, 70: one less', ask('OPTIONS /row', 'Max-Forwards: 70'), ok, fine, got('max-forwards', '69'), noMethod],
  ['OPTIONS without: none made up', ask('OPTIONS /row'), ok, fine, lacks('max-forwards'), noMethod],
  ['TRACE, 0: answered here', ask('TRACE /row', 'Max-Forwards: 0'), ok, status(200), noByte, noMethod],
  ['TRACE, 3: one less', ask('TRACE /row', 'Max-Forwards: 3'), ok, answered(200), got('max-forwards', '2'), noMethod],
  ['GET, 0: forwarded all the same', get('Max-Forwards: 0'), ok, fine, once],
  ['OPTIONS, no number', ask('OPTIONS /row', 'Max-Forwards: x'), ok, answered(200), once, { mayRefuse: [400, 405, 501] }]
])

// biome-ignore format: one row, one line
const targets = table('request target', [
  ['absolute form', getAt('http://other.example/row'), ok, fine, all(gotTarget('/row'), got('host', 'other.example')), { mayRefuse: [400, 421] }],
  ['absolute form, the same host', getAt(`http://${host}/row?x`), ok, fine, all(gotTarget('/row?x'), got('host', host))],
  ['absolute form with a port', getAt('http://other.example:99/row'), ok, fine, all(gotTarget('/row'), got('host', 'other.example:99')), { mayRefuse: [400, 421] }],
  ['absolute form, scheme in capitals', getAt(`HTTP://${host}/row`), ok, fine, all(gotTarget('/row'), got('host', host)), { mayRefuse: [400] }],
  ['absolute form, https', getAt(`https://${host}/row`), ok, fine, all(gotTarget('/row'), got('host', host)), { mayRefuse: [400, 421] }],
  ['absolute form without a path', getAt(`http://${host}`), ok, fine, gotTarget('/')],
  ['absolute form, only a query', getAt(`http://${host}?x=1`), ok, fine, gotTarget('/?x=1'), { mayRefuse: [400] }],
  ['absolute form in HTTP/1.0', old(`GET http://${host}/row`), ok, answered(200), all(gotTarget('/row'), got('host', host))],
  ['absolute form, empty Host field', getAt(`http://${host}/row`, 'Host:'), ok, fine, all(gotTarget('/row'), got('host', host)), { mayRefuse: [400] }],
  ['absolute form without Host', raw(`GET http://${host}/row HTTP/1.1\r\n\r\n`), ok, refusing, noByte],
  ['absolute form, no host', getAt('http:///row'), ok, refusing, noByte],
  ['absolute form, user information', getAt(`http://user:secret@${host}/row`), ok, answered(200), all(gotTarget('/row'), got('host', host)), { mayRefuse: [400] }],
  ['absolute form, another scheme', getAt('ftp://other.example/row'), ok, refusing, noByte, { mayRefuse: [400, 404, 421, 501] }],
  ['authority form, not CONNECT', getAt('other.example:80'), ok, refusing, noByte],
  ['a path without a slash', getAt('row'), ok, refusing, noByte],
  ['asterisk, not OPTIONS', getAt('*'), ok, refusing, noByte],
  ['OPTIONS *', ask('OPTIONS *'), ok, status(200, 204), either(nothing, gotTarget('*')), { mayRefuse: [400, 404, 405, 501] }],
  ['CONNECT', ask('CONNECT other.example:443'), ok, status(400, 403, 405, 501), noByte],
  ['an empty target', raw(request('GET ', [])), ok, refusing, noByte],
  ['a fragment', getAt('/row#part'), ok, fine, gotTarget('/row', '/row%23part'), { mayRefuse: [400, 404] }],
  ['a query is left as it is', getAt('/row?a=%7e+b&&=//../%2f?;[]'), ok, fine, gotTarget('/row?a=%7e+b&&=//../%2f?;[]')],
  ['a question mark alone', getAt('/row?'), ok, fine, gotTarget('/row?', '/row')]
])

// biome-ignore format: one row, one line
const hosts = table('Host', [
  ['one Host', get(), ok, fine, got('host', host)],
  ['Host with a port', get(`Host: ${host}:8080`), ok, fine, got('host', `${host}:8080`)],
  ['Host in capitals', get('Host: WIRE.example'), ok, fine, got('host', /^wire\.example$/i)],
  ['an IPv6 literal', get('Host: [2001:db8::1]:80'), ok, fine, got('host', '[2001:db8::1]:80')],
  ['a host with a dot at its end', get('Host: wire.example.'), ok, fine, got('host', /^wire\.example\.?$/)],
  ['an empty Host', get('Host:'), ok, answered(200), got('host'), { mayRefuse: [400, 404] }],
  ['no Host in HTTP/1.1', raw('GET /row HTTP/1.1\r\n\r\n'), ok, refusing, noByte],
  ['no Host in HTTP/1.0', old('GET /row'), ok, answered(200), once],
  ['Host in HTTP/1.0', old('GET /row', `Host: ${host}`), ok, answered(200), got('host', host)],
  ['two Hosts', get(`Host: ${host}`, 'Host: evil.example'), ok, refusing, noByte],
  ['the same Host twice', get(`Host: ${host}`, `Host: ${host}`), ok, refusing, noByte],
  ['two Hosts, one of them empty', get(`Host: ${host}`, 'Host:'), ok, refusing, noByte],
  ['two Hosts in HTTP/1.0', old('GET /row', `Host: ${host}`, 'Host: evil.example'), ok, refusing, noByte],
  ...['a b', 'a/b', 'a@b', 'a?b', 'a#b', 'a\\b', 'a:b', 'a:80:80', '[::1', '::1', 'http://a', '"a"', 'a<b', 'a|b', 'a^b', 'a\tb'].map(
    value => [`Host: ${JSON.stringify(value)}`, get(`Host: ${value}`), ok, refusing, noByte] as const
  ),
  ['a space before the colon', raw('GET /row HTTP/1.1\r\nHost : wire.example\r\n\r\n'), ok, refusing, noByte],
  ['a folded Host', raw('GET /row HTTP/1.1\r\nHost:\r\n wire.example\r\n\r\n'), ok, answered(200), got('host', host), { mayRefuse: [400] }],
  ['a second Host behind a bare LF', raw('GET /row HTTP/1.1\r\nHost: wire.example\nHost: evil.example\r\n\r\n'), ok, refusing, noByte],
  ['a literal host of a rule', getAt('/literal'), ok, fine, got('host', 'inner.example:81'), { ours: 'a rule with host_header' }],
  ['two answers for two hosts', raw(request('GET /row', ['Host: one.example']) + request('GET /row', ['Host: two.example'])), hostMirror(), all(answered(200, 200), bodies('one.example', 'two.example'), kept), gotTwo]
])

function hostMirror(): typeof ok {
  return async connection => {
    const { fields } = await connection.request()
    const name = fields.find(([key]) => key === 'host')?.[1] ?? ''
    await sends(answer('200 OK', [`Content-Length: ${name.length}`], name))(connection)
  }
}

function gotTwo({ received }: Parameters<ReturnType<typeof got>>[0]): string | undefined {
  return received.length === 2 ? undefined : `the target got ${received.length} requests`
}

/** All rows of this file. */
export const identityRows: readonly Row[] = [...viaRows, ...maxForwards, ...targets, ...hosts]
