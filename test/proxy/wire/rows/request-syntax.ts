/** Requests that are no HTTP/1.1, or too much of it: refused, or forwarded in a form that everybody reads alike. */
import { mirror, ok } from '../does.ts'
import { type Check, type Line, type Row, type Sending, type Terms, table } from '../row.ts'
import { all, answered, body, dropped, either, got, gotBody, lacks, nothing, requests, status, unsplit } from '../sees.ts'
import { get, host, old, post, raw, request, steps } from '../sends.ts'

const refusing = status(400)
const posted: Terms = { mayRefuse: [400, 411, 413, 431, 501] }
const body5 = `5\r\nhello\r\n0\r\n\r\n`

const line = (text: string): Sending => raw(`${text}\r\nHost: ${host}\r\n\r\n`, [{ method: 'GET', version: '1.1' }])
const field = (text: string): Sending => raw(`GET /row HTTP/1.1\r\nHost: ${host}\r\n${text}\r\n\r\n`, [{ method: 'GET', version: '1.1' }])

// RFC 9112 sections 2.2, 3 and 5; RFC 9110 section 5.5.
// biome-ignore format: one row, one line
const syntax = table('request syntax', [
  ['a request line with LF', raw(`GET /row HTTP/1.1\nHost: ${host}\r\n\r\n`), ok, answered(200), requests(1), posted],
  ['LF everywhere', raw(`GET /row HTTP/1.1\nHost: ${host}\n\n`), ok, answered(200), requests(1), posted],
  ['CRLF before the request line', raw(`\r\n${request('GET /row')}`, [{ method: 'GET', version: '1.1' }]), ok, answered(200), requests(1), posted],
  ['a space before the request line', raw(` ${request('GET /row')}`, [{ method: 'GET', version: '1.1' }]), ok, refusing, nothing],
  ['two spaces', line('GET  /row HTTP/1.1'), ok, answered(200), requests(1), posted],
  ['a tab', line('GET\t/row HTTP/1.1'), ok, answered(200), requests(1), posted],
  ['a space in the target', line('GET /row x HTTP/1.1'), ok, refusing, nothing],
  ['a CR in the target', line('GET /row\rx HTTP/1.1'), ok, refusing, nothing],
  ['a NUL in the target', line('GET /row\x00 HTTP/1.1'), ok, refusing, nothing],
  ['a DEL in the target', line('GET /row\x7f HTTP/1.1'), ok, refusing, nothing],
  ['a space behind the version', line('GET /row HTTP/1.1 '), ok, answered(200), requests(1), posted],
  ['no version', line('GET /row'), ok, either(refusing, dropped), nothing],
  ['HTTP/0.9', steps(['GET'], client => client.send('GET /row\r\n').halfClose()), ok, either(refusing, dropped), nothing],
  ['HTTP/2.0', line('GET /row HTTP/2.0'), ok, status(400, 505), nothing],
  ['HTTP/1.2', line('GET /row HTTP/1.2'), ok, answered(200), requests(1), { mayRefuse: [400, 505] }],
  ['HTTP/1.10', line('GET /row HTTP/1.10'), ok, answered(200), requests(1), { mayRefuse: [400, 505] }],
  ['HTTP/11', line('GET /row HTTP/11'), ok, status(400, 505), nothing],
  ['http/1.1', line('GET /row http/1.1'), ok, status(400, 505), nothing],
  ['the preface of HTTP/2', steps(['GET'], client => client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n').halfClose()), ok, either(status(400, 405, 505), dropped), nothing],
  ['TLS', steps(['GET'], client => client.send('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03').halfClose()), ok, either(refusing, dropped), nothing],
  ['a method in lower case', line('get /row HTTP/1.1'), ok, answered(200), requests(1), { mayRefuse: [400, 405, 501] }],
  ['a method that nobody knows', line('BREW /row HTTP/1.1'), ok, answered(200), requests(1), { mayRefuse: [400, 405, 501] }],
  ['a method that is no token', line('G@T /row HTTP/1.1'), ok, refusing, nothing, { mayRefuse: [400, 405, 501] }],
  ['no method', line(' /row HTTP/1.1'), ok, refusing, nothing],
  ['an empty name', field(': x'), ok, answered(200), requests(1), posted],
  ['no colon', field('nonsense'), ok, answered(200), requests(1), posted],
  ['a space in a name', field('X A: x'), ok, answered(200), requests(1), posted],
  ['a space before the colon', field('X-A : x'), ok, refusing, nothing],
  ['a slash in a name', field('X/A: x'), ok, answered(200), lacks('x/a'), posted],
  ['an octet above 127 in a name', field('X-\xe9: x'), ok, answered(200), lacks('x-\xe9'), posted],
  ['NUL in a value', field('X-A: a\x00b'), ok, answered(200), requests(1), posted],
  ['CR in a value', field('X-A: a\rb'), ok, answered(200), requests(1), posted],
  ['LF in a value', field('X-A: a\nX-B: b'), ok, answered(200), requests(1), posted],
  ['a control character in a value', field('X-A: a\x01b'), ok, answered(200), requests(1), posted],
  ['DEL in a value', field('X-A: a\x7fb'), ok, answered(200), requests(1), posted],
  ['a folded value', field('X-A: a\r\n b'), ok, answered(200), requests(1), posted],
  ['a folded first field', raw(`GET /row HTTP/1.1\r\n X: a\r\nHost: ${host}\r\n\r\n`, [{ method: 'GET', version: '1.1' }]), ok, answered(200), requests(1), posted],
  ['a request within a value', field(`X-A: a\r\rGET /smuggled HTTP/1.1\r\r`), ok, answered(200), unsplit, posted]
])

// biome-ignore format: one row, one line
const legal = table('request syntax', [
  ['every character a token may have', field("X-!#$%&'*+.^_`|~09: x"), ok, answered(200), got("x-!#$%&'*+.^_`|~09"), { mayRefuse: [400] }],
  ['tabs and spaces around a value', field('X-A: \t a b \t'), ok, answered(200), got('x-a', 'a b')],
  ['HTTP/1.0', old('GET /row', `Host: ${host}`), ok, answered(200), requests(1)],
  ['a body that nobody announced is another request', raw(request('GET /row') + request('GET /row')), ok, answered(200, 200), requests(2)],
  ['a body behind a GET with a length', post('abc', 'Content-Length: 3'), mirror, answered(200), gotBody('abc')],
  ['nothing but a GET', get(), ok, all(answered(200), unsplit), requests(1)]
])

const tooLarge: Terms = { mayRefuse: [400, 414, 431, 413] }
// biome-ignore format: one row, one line
const floods = table('floods', [
  ['a field of 200 KB', sendsAll(`GET /row HTTP/1.1\r\nHost: ${host}\r\nX-A: ${'a'.repeat(200_000)}\r\n\r\n`), ok, answered(200), requests(1), tooLarge],
  ['a name of 20 KB', sendsAll(`GET /row HTTP/1.1\r\nHost: ${host}\r\n${'a'.repeat(20_000)}: x\r\n\r\n`), ok, answered(200), requests(1), tooLarge],
  ['50000 fields', sendsAll(`GET /row HTTP/1.1\r\nHost: ${host}\r\n${'X-A: 1\r\n'.repeat(50_000)}\r\n`), ok, answered(200), requests(1), tooLarge],
  ['a target of 100 KB', sendsAll(`GET /${'a'.repeat(100_000)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`), ok, answered(200), requests(1), tooLarge],
  ['a query of 100 KB', sendsAll(`GET /?${'a'.repeat(100_000)} HTTP/1.1\r\nHost: ${host}\r\n\r\n`), ok, answered(200), requests(1), tooLarge],
  ['a method of 20 KB', sendsAll(`${'A'.repeat(20_000)} /row HTTP/1.1\r\nHost: ${host}\r\n\r\n`), ok, answered(200), requests(1), { mayRefuse: [400, 405, 414, 431, 501] }],
  ['a megabyte without a line end', steps(['GET'], client => client.send('A'.repeat(1_000_000)).halfClose()), ok, either(status(400, 405, 414, 431, 501), dropped, resetOnly), nothing],
  // A server that keeps only so many fields must not miss those that frame the message.
  ...[990, 1010, 1990, 2010].flatMap(count => [
    [`a length behind ${count} fields counts`, behind(count, 'POST', 'Content-Length: 5', 'hello'), mirror, all(answered(200), body('hello')), gotBody('hello'), tooLarge],
    [`a coding behind ${count} fields counts`, behind(count, 'POST', 'Transfer-Encoding: chunked', body5), mirror, all(answered(200), body('hello')), gotBody('hello'), tooLarge],
    [`a second Host behind ${count} fields counts`, behind(count, 'GET', 'Host: evil.example'), ok, status(400, 431, 413), nothing],
    [`what Connection nominates behind ${count} fields`, behind(count, 'GET', 'X-Hop: 1\r\nConnection: close, X-Hop'), ok, answered(200), lacks('x-hop'), tooLarge],
    [`a field behind ${count} others arrives`, behind(count, 'GET', 'X-Last: 1'), ok, answered(200), got('x-last', '1'), tooLarge]
  ] satisfies Line[])
])

function behind(count: number, method: string, last: string, body = ''): Sending {
  return sendsAll(`${method} /row HTTP/1.1\r\nHost: ${host}\r\n${'a:b\r\n'.repeat(count)}${last}\r\n\r\n${body}`)
}

/** A flood may be cut off while it is still being sent: the answer may then be lost in a reset. */
function sendsAll(text: string): Sending {
  return raw(text, [{ method: text.slice(0, text.indexOf(' ')).slice(0, 10), version: '1.1' }])
}

function resetOnly({ answers, end }: Parameters<Check>[0]): string | undefined {
  return answers.length === 0 && end === 'reset' ? undefined : 'was not reset'
}

/** All rows of this file. */
export const syntaxRows: readonly Row[] = [...syntax, ...legal, ...floods]
