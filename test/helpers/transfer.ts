/** Large bodies through a proxy, with somebody slow at the other end. */
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { Teardown } from './gateway.ts'
import { type HttpTarget, startTarget } from './target.ts'

const piece = Buffer.alloc(65_536, 'x')

/** A target that sends `GET /down/BYTES` as fast as it can, and takes uploads no faster than `bytesPerSecond`, answering how much came. */
export function startTransferTarget(t: Teardown, bytesPerSecond: number): Promise<HttpTarget> {
  return startTarget(t, (request, response) => {
    const [, bytes] = /^\/down\/(\d+)$/.exec(request.url ?? '') ?? []
    if (bytes === undefined) return void readSlowly(request, bytesPerSecond).then(count => response.end(String(count)))
    response.setHeader('content-length', bytes)
    send(Number(bytes), part => response.write(part), response).then(() => response.end())
  })
}

/** Takes a body no faster than `bytesPerSecond` and resolves with how many bytes came. Rejects when it breaks off. */
export async function download(url: string, bytes: number, bytesPerSecond: number): Promise<number> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    httpRequest(`${url}/down/${bytes}`, resolve).on('error', reject).end()
  })
  return readSlowly(response, bytesPerSecond)
}

/** Sends a chunked body as fast as it is taken and resolves with how many bytes the target got. Rejects when it is refused. */
export async function upload(url: string, bytes: number): Promise<number> {
  const request = httpRequest(`${url}/up`, { method: 'POST' })
  const answered = new Promise<IncomingMessage>((resolve, reject) => request.on('response', resolve).on('error', reject))
  await send(bytes, part => request.write(part), request)
  request.end()
  const response = await answered
  let text = ''
  for await (const part of response.setEncoding('utf8')) text += part
  if (response.statusCode !== 200) throw new Error(`${response.statusCode} ${text}`)
  return Number(text)
}

async function send(bytes: number, write: (part: Buffer) => boolean, sink: NodeJS.EventEmitter): Promise<void> {
  for (let left = bytes; left > 0; left -= piece.length) {
    if (!write(piece.subarray(0, left))) await new Promise(resolve => sink.once('drain', resolve))
  }
}

function readSlowly(stream: Readable, bytesPerSecond: number): Promise<number> {
  const startedMs = performance.now()
  let bytes = 0
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      const earlyMs = (bytes / bytesPerSecond) * 1_000 - (performance.now() - startedMs)
      if (earlyMs < 5) return
      stream.pause()
      setTimeout(() => stream.resume(), earlyMs)
    })
    stream.on('end', () => resolve(bytes))
    stream.on('error', reject)
    stream.on('aborted', () => reject(new Error(`broken off after ${bytes} bytes`)))
  })
}

/** Watches a number while something runs: the least of the beginning and the most of all. */
export async function growthWhile(read: () => Promise<number>, run: () => Promise<unknown>): Promise<number> {
  const before = await read()
  let most = before
  let isOver = false
  const running = run().finally(() => {
    isOver = true
  })
  while (!isOver) {
    most = Math.max(most, await read())
    await new Promise(resolve => setTimeout(resolve, 50))
  }
  await running
  return most - before
}
