/** Answers to what node:http could not make a request of, or not the whole of one. After such an answer the connection is closed. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { problemMediaType, toParserError, toProblem, toRawAnswer } from './problem.ts'
import { createIdSource } from './request-id.ts'

/** What was answered. */
export interface BareAnswer {
  readonly requestId: string
  readonly status: number
  /** The code of the problem. */
  readonly code: string
  /** Of the answer's body. */
  readonly bytesSent: number
}

/** Hears of every answer that belongs to no request that plugins know. */
export type BareAnswerListener = (answer: BareAnswer, socket: Socket) => void

/** How long a client may go on sending before its connection is closed: closed at once, it would often not see the answer. */
const lingerMs = 1_000

const newId = createIdSource()
const codes = new WeakMap<ServerResponse, string>()
/** Connections that were answered, or will be when the answers before are through. */
const answered = new WeakSet<Socket>()

/** The code of the problem that ended a request whose body could not be read. */
export function bareCodeOf(response: ServerResponse): string | undefined {
  return codes.get(response)
}

/** For the event `clientError`: what the parser refused, or waited for in vain. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket, listener?: BareAnswerListener): void {
  // The parser says it again for whatever comes behind.
  if (answered.has(socket)) return
  const { code } = error
  // Browsers connect ahead of need: a connection on which nothing came is no request, and is closed without a word.
  const isUnused = code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0
  if (code === 'ECONNRESET' || isUnused) socket.destroy()
  else endWithProblem(toParserError(error), socket, listener)
}

/** Answers on a bare connection, in its turn behind the answers to earlier requests, and closes it. */
export function endWithProblem(error: Error, socket: Socket, listener?: BareAnswerListener): void {
  if (!socket.writable) return void socket.destroy()
  answered.add(socket)
  // What node:http keeps there is the response that has the connection.
  const { _httpMessage: current } = socket as Socket & { readonly _httpMessage?: ServerResponse | null }
  if (current == null) return isAnswered(socket) ? endQuietly(socket) : endSocket(error, socket, listener)
  if (current.req.complete) return void current.once('close', () => endWithProblem(error, socket, listener))
  // The body of its request is broken. Nothing may be written into the middle of an answer.
  if (current.headersSent) socket.destroy()
  else endResponse(error, current, socket)
}

/** Whether what could not be read is the rest of a request whose answer is through: a second one would be taken for that of the next. */
function isAnswered(socket: Socket): boolean {
  // What node:http keeps there is the request that is being read, until its end.
  const { parser } = socket as Socket & { readonly parser?: { readonly incoming?: IncomingMessage | null } | null }
  return parser?.incoming?.complete === false
}

function endQuietly(socket: Socket): void {
  socket.end()
  closeSoon(socket)
}

function endSocket(error: Error, socket: Socket, listener: BareAnswerListener | undefined): void {
  const requestId = newId()
  const { status, code, text, bytesSent } = toRawAnswer(error, requestId, new Date())
  socket.end(text)
  closeSoon(socket)
  listener?.({ requestId, status, code, bytesSent }, socket)
}

function endResponse(error: Error, response: ServerResponse, socket: Socket): void {
  const requestId = newId()
  const problem = toProblem(error, requestId, new Date())
  codes.set(response, problem.code)
  const body = JSON.stringify(problem)
  const headers = { 'content-type': problemMediaType, 'content-length': Buffer.byteLength(body), 'x-request-id': requestId }
  response.writeHead(problem.status, { ...headers, connection: 'close' }).end(body)
  closeSoon(socket)
}

function closeSoon(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('end', () => socket.destroy()).resume()
  socket.once('close', () => clearTimeout(timer))
}
