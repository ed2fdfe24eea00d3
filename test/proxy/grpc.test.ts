/** gRPC through the gateway: the client and the server of `@grpc/grpc-js`, which know nothing of it. */
import {
  type Client,
  credentials,
  type handleBidiStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  makeGenericClientConstructor,
  Server,
  ServerCredentials,
  type ServiceError,
  status
} from '@grpc/grpc-js'
import t from 'tap'
import { certificate } from '../helpers/certificate.ts'
import type { Teardown } from '../helpers/gateway.ts'
import { startTlsProxy } from '../helpers/tls-proxy.ts'

const plain = (value: Buffer): Buffer => value
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Echo/${name}`,
  requestStream,
  responseStream,
  requestSerialize: plain,
  requestDeserialize: plain,
  responseSerialize: plain,
  responseDeserialize: plain
})
const service = {
  unary: method('Unary', false, false),
  stream: method('Stream', false, true),
  chat: method('Chat', true, true),
  fail: method('Fail', false, false),
  hang: method('Hang', false, false)
}

interface Cancelled {
  resolve(): void
  readonly promise: Promise<void>
}

function later(): Cancelled {
  let resolve = () => {}
  const promise = new Promise<void>(settle => {
    resolve = settle
  })
  return { resolve: () => resolve(), promise }
}

async function startGrpc(t: Teardown, cancelled: Cancelled): Promise<string> {
  const server = new Server()
  const unary: handleUnaryCall<Buffer, Buffer> = (call, callback) => {
    const trailer = new Metadata()
    trailer.set('x-trailer', 'last')
    const head = new Metadata()
    head.set('x-head', String(call.metadata.get('x-client')[0]))
    call.sendMetadata(head)
    callback(null, Buffer.from(`echo ${call.request}`), trailer)
  }
  const stream: handleServerStreamingCall<Buffer, Buffer> = call => {
    for (let index = 0; index < 100; index++) call.write(Buffer.from(`${call.request}${index}`))
    call.end()
  }
  const chat: handleBidiStreamingCall<Buffer, Buffer> = call => {
    call.on('data', (word: Buffer) => call.write(Buffer.from(`re: ${word}`)))
    call.on('end', () => call.end())
  }
  const fail: handleUnaryCall<Buffer, Buffer> = (_call, callback) => callback({ code: status.NOT_FOUND, details: 'no such thing' })
  const hang: handleUnaryCall<Buffer, Buffer> = call => void call.on('cancelled', () => cancelled.resolve())
  server.addService(service, { unary, stream, chat, fail, hang })
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error === null ? resolve(bound) : reject(error)))
  })
  t.teardown(() => server.forceShutdown())
  return `http://127.0.0.1:${port}`
}

// biome-ignore lint/suspicious/noExplicitAny: a client made of a table has its methods by name
type Echo = Client & Record<string, any>

async function connect(t: Teardown, cancelled = later()): Promise<Echo> {
  const url = await startGrpc(t, cancelled)
  const proxy = await startTlsProxy(t, {
    services: [{ id: 'echo', http2: true, targets: [{ url }] }],
    rules: [{ id: 'r1', path: '/test.Echo', target_service: 'echo' }]
  })
  const Constructor = makeGenericClientConstructor(service, 'Echo')
  const client = new Constructor(`localhost:${proxy.port}`, credentials.createSsl(Buffer.from(certificate)))
  t.teardown(() => client.close())
  return client as Echo
}

t.test('a unary call, with metadata both ways', async t => {
  const client = await connect(t)
  const metadata = new Metadata()
  metadata.set('x-client', 'me')
  let head: Metadata | undefined
  let trailer: Metadata | undefined
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const call = client.unary(Buffer.from('hello'), metadata, (error: ServiceError | null, value: Buffer) => {
      if (error === null) resolve(value)
      else reject(error)
    })
    call.on('metadata', (fields: Metadata) => {
      head = fields
    })
    call.on('status', (end: { metadata: Metadata }) => {
      trailer = end.metadata
    })
  })
  t.equal(String(answer), 'echo hello')
  t.same(head?.get('x-head'), ['me'])
  await new Promise(resolve => setImmediate(resolve))
  t.same(trailer?.get('x-trailer'), ['last'])
})

t.test('a stream of the server', async t => {
  const client = await connect(t)
  const words: string[] = []
  for await (const word of client.stream(Buffer.from('n'))) words.push(String(word))
  t.same(
    words,
    Array.from({ length: 100 }, (_, index) => `n${index}`)
  )
})

t.test('streams both ways, one word at a time', async t => {
  const client = await connect(t)
  const call = client.chat()
  for (const word of ['one', 'two', 'three']) {
    call.write(Buffer.from(word))
    const answer = await new Promise<Buffer>(resolve => call.once('data', resolve))
    t.equal(String(answer), `re: ${word}`)
  }
  const ended = new Promise(resolve => call.once('end', resolve))
  const done = new Promise<{ code: number }>(resolve => call.once('status', resolve))
  call.resume()
  call.end()
  await ended
  t.equal((await done).code, status.OK)
})

const failureOf = (call: (done: (error: ServiceError | null) => void) => unknown) =>
  new Promise<ServiceError>((resolve, reject) => {
    call(error => (error === null ? reject(new Error('it did not fail')) : resolve(error)))
  })

t.test("a call that fails brings the server's code and details", async t => {
  const client = await connect(t)
  t.match(await failureOf(done => client.fail(Buffer.alloc(0), done)), { code: status.NOT_FOUND, details: 'no such thing' })
})

t.test('a deadline ends the call here and at the server', async t => {
  const cancelled = later()
  const client = await connect(t, cancelled)
  const error = await failureOf(done => client.hang(Buffer.alloc(0), { deadline: Date.now() + 500 }, done))
  t.equal(error.code, status.DEADLINE_EXCEEDED)
  await cancelled.promise
})

t.test('cancelling reaches the server', async t => {
  const cancelled = later()
  const client = await connect(t, cancelled)
  const error = await failureOf(done => {
    const call = client.hang(Buffer.alloc(0), done)
    setImmediate(() => call.cancel())
  })
  t.equal(error.code, status.CANCELLED)
})

t.test('500 calls at once', async t => {
  const client = await connect(t)
  const call = (index: number) =>
    new Promise<string>((resolve, reject) => {
      client.unary(Buffer.from(`${index}`), (error: ServiceError | null, value: Buffer) =>
        error === null ? resolve(String(value)) : reject(error)
      )
    })
  const answers = await Promise.all(Array.from({ length: 500 }, (_, index) => call(index)))
  t.same(
    answers,
    Array.from({ length: 500 }, (_, index) => `echo ${index}`)
  )
})
