/** Clients that leave: at every stage, in every way. */
import { answer, mirror, ok } from '../does.ts'
import { type Check, type Doing, type Line, type Row, table } from '../row.ts'
import { answered, anything, dropped, either, noByte, nothing, status } from '../sees.ts'
import { host, leaving, request, steps } from '../sends.ts'

/** No request that is complete, unless the client sent it whole. */
const incomplete: Check = nothing
const stages: [name: string, text: string, receives: Check][] = [
  ['before the first byte', '', noByte],
  ['within the request line', 'GET /ro', noByte],
  ['within a field', `GET /row HTTP/1.1\r\nHost: ${host}\r\nX-A`, noByte],
  ['before the end of the head', `GET /row HTTP/1.1\r\nHost: ${host}\r\n`, noByte],
  ['before the body', request('POST /row', ['Content-Length: 10']), incomplete],
  ['within the body', request('POST /row', ['Content-Length: 10'], 'part'), incomplete],
  ['before the first chunk', request('POST /row', ['Transfer-Encoding: chunked']), incomplete],
  ['between chunks', request('POST /row', ['Transfer-Encoding: chunked'], '4\r\npart\r\n'), incomplete],
  ['within a chunk', request('POST /row', ['Transfer-Encoding: chunked'], 'ff\r\npart'), incomplete],
  ['within a chunk size', request('POST /row', ['Transfer-Encoding: chunked'], '4\r\npart\r\n1'), incomplete],
  ['before the end of the trailers', request('POST /row', ['Transfer-Encoding: chunked'], '4\r\npart\r\n0\r\nX-T: 1\r\n'), incomplete]
]

// biome-ignore format: one row, one line
const aborts = table('aborts', [
  ...stages.flatMap(([stage, text, receives]): Line[] => [
    [`reset ${stage}`, leaving(client => client.send(text).reset()), mirror, anything, receives],
    [`ended ${stage}`, leaving(client => client.send(text).socket.destroySoon()), mirror, anything, receives],
    [`half-closed ${stage}`, steps(text.startsWith('POST') ? ['POST'] : ['GET'], client => client.send(text).halfClose()), mirror, either(status(400, 408, 502), dropped), receives]
  ]),
  ['half-closed behind a request', steps(['GET'], client => client.send(request('GET /row')).halfClose()), ok, either(answered(200), dropped), atMostOnce],
  ['half-closed behind an upload', steps(['POST'], client => client.send(request('POST /row', ['Content-Length: 3'], 'abc')).halfClose()), mirror, either(answered(200), dropped), atMostOnce],
  ['half-closed behind two requests', steps(['GET', 'GET'], client => client.send(request('GET /row').repeat(2)).halfClose()), ok, anything, ({ received }) => (received.length <= 2 ? undefined : 'too many')],
  cancelled('reset while the target thinks', ''),
  cancelled('reset within the answer', answer('200 OK', ['Transfer-Encoding: chunked'], '4\r\npart\r\n'))
])

function atMostOnce({ received }: Parameters<Check>[0]): string | undefined {
  return received.length <= 1 ? undefined : `sent ${received.length} times`
}

/** The client resets its connection in the middle; the row ends when the target's connection has ended, too. */
function cancelled(name: string, begun: string): Line {
  let arrived = Promise.withResolvers<void>()
  let left = Promise.withResolvers<void>()
  const client = leaving(async client => {
    arrived = Promise.withResolvers()
    left = Promise.withResolvers()
    client.send(request('GET /row'))
    await arrived.promise
    if (begun !== '') await client.seen('part')
    client.reset()
    await left.promise
  })
  const target: Doing = async connection => {
    await connection.request()
    connection.send(begun)
    arrived.resolve()
    await connection.gone()
    left.resolve()
  }
  const terms = { ours: 'no RFC asks a proxy to cancel what nobody waits for' }
  return [name, client, target, anything, ({ received }) => (received.length === 1 ? undefined : 'not received'), terms]
}

/** All rows of this file. */
export const abortRows: readonly Row[] = aborts
