/** Clients that leave: at every stage, in every way. */
import { answer, mirror, ok } from '../does.ts'
import { type Check, type Line, type Row, type Sending, table } from '../row.ts'
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
  ['reset while the target thinks', leaving(waitsThenResets), thinks, anything, ({ received }) => (received.length === 1 ? undefined : 'not received')],
  ['reset within the answer', leaving(resetsInAnswer), drips, anything, ({ received }) => (received.length === 1 ? undefined : 'not received')]
])

function atMostOnce({ received }: Parameters<Check>[0]): string | undefined {
  return received.length <= 1 ? undefined : `sent ${received.length} times`
}

// The target sees the end of its connection: `gone` resolves, or the row never ends.
const left = { resolve: () => undefined as void, promise: Promise.resolve() }
function expectLeave(): void {
  const { promise, resolve } = Promise.withResolvers<void>()
  Object.assign(left, { promise, resolve })
}

async function waitsThenResets(client: Parameters<Sending['run']>[0]): Promise<void> {
  expectLeave()
  const reached = arrivals()
  client.send(request('GET /row'))
  await reached
  client.reset()
  await left.promise
}

async function resetsInAnswer(client: Parameters<Sending['run']>[0]): Promise<void> {
  expectLeave()
  client.send(request('GET /row'))
  await client.seen('part')
  client.reset()
  await left.promise
}

let arrived: () => void = () => undefined
function arrivals(): Promise<void> {
  return new Promise(resolve => {
    arrived = resolve
  })
}

async function thinks(connection: Parameters<typeof ok>[0]): Promise<void> {
  await connection.request()
  arrived()
  await connection.gone()
  left.resolve()
}

async function drips(connection: Parameters<typeof ok>[0]): Promise<void> {
  await connection.request()
  connection.send(answer('200 OK', ['Transfer-Encoding: chunked'], '4\r\npart\r\n'))
  await connection.gone()
  left.resolve()
}

/** All rows of this file. */
export const abortRows: readonly Row[] = aborts
