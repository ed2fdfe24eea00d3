/** Errors as problems of RFC 9457: what a client of either plane is told, and what it is not. */
import { STATUS_CODES } from 'node:http'
import createError from '@fastify/error'
import type { Problem } from '../../schemas/problem.ts'
import {
  BadPathError,
  BadRequestError,
  BodyTooLargeError,
  type Fault,
  HeadersTooLargeError,
  InternalError,
  InvalidBodyError,
  NotFoundError,
  RequestTimeoutError,
  UnsupportedMediaTypeError,
  ValidationError
} from '../errors.ts'

/** What `code` is appended to, to make the `type` of a problem: a name, not an address (RFC 9457 section 3.1.1 takes any URI). */
export const problemTypeBase = 'urn:problem-type:sluice:'
export const problemMediaType = 'application/problem+json'

/** An error of the table in `src/errors.ts`. */
interface PublicError extends Error {
  readonly code: string
  readonly statusCode: number
  readonly faults?: readonly Fault[]
}

/** What of the request an error's text may name. */
export interface ErrorContext {
  readonly method: string
  readonly path: string
  readonly contentType: string | undefined
}

/** The problem that answers `error`, which is one of `src/errors.ts`. */
export function toProblem(error: Error, requestId: string, now: Date): Problem {
  const { code, statusCode, faults, message } = error as PublicError
  const name = code.toLowerCase()
  const words = name.replaceAll('_', ' ')
  return {
    type: problemTypeBase + name,
    title: words.charAt(0).toUpperCase() + words.slice(1),
    status: statusCode,
    code: name,
    detail: message,
    ...(faults === undefined ? {} : { errors: [...faults] }),
    request_id: requestId,
    timestamp: now.toISOString()
  }
}

type FrameworkError = Error & { readonly code?: string; readonly statusCode?: number; readonly validation?: unknown }

/** The error of `src/errors.ts` that stands for whatever was thrown. What is unknown is `internal_error` and says nothing of itself. */
export function toPublicError(thrown: unknown, context: ErrorContext): Error {
  if (!(thrown instanceof Error)) return new InternalError()
  const error: FrameworkError = thrown
  if (error.validation !== undefined) return new ValidationError(error.message)
  const code = error.code ?? ''
  if (error instanceof createError.FastifyError && !code.startsWith('FST_')) return error
  const { statusCode = 500 } = error
  if (code in fromFastify) return fromFastify[code]!(context)
  // Whatever else the framework refuses is the request's fault, and its own texts say what is wrong with it.
  if (code.startsWith('FST_') && statusCode >= 400 && statusCode < 500) return new BadRequestError(error.message)
  return error instanceof SyntaxError && statusCode === 400 ? new InvalidBodyError('The body is not valid JSON') : new InternalError()
}

const fromFastify: Readonly<Record<string, (context: ErrorContext) => Error>> = {
  FST_ERR_NOT_FOUND: ({ method, path }) => new NotFoundError(method, path),
  FST_ERR_BAD_URL: () => new BadPathError(),
  FST_ERR_CTP_BODY_TOO_LARGE: () => new BodyTooLargeError(),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ({ contentType = '' }) => new UnsupportedMediaTypeError(contentType.slice(0, 100)),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => new InvalidBodyError('The body is empty'),
  FST_ERR_CTP_INVALID_JSON_BODY: () => new InvalidBodyError('The body is not valid JSON'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () => new InvalidBodyError('The body is not as long as Content-Length says')
}

/** The error that answers what the HTTP parser refused or waited for in vain (an error of the `clientError` event). */
export function toParserError({ code = '' }: NodeJS.ErrnoException): Error {
  if (code === 'HPE_HEADER_OVERFLOW') return new HeadersTooLargeError()
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new RequestTimeoutError()
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return new BodyTooLargeError()
  return new BadRequestError('The request is not valid HTTP/1.1')
}

/** An answer in bytes. */
export interface RawAnswer {
  readonly text: string
  readonly status: number
  readonly code: string
  /** Of the body. */
  readonly bytesSent: number
}

/** A whole answer, for a connection that has no response object. The connection is to be closed after it. */
export function toRawAnswer(error: Error, requestId: string, now: Date): RawAnswer {
  const problem = toProblem(error, requestId, now)
  const body = JSON.stringify(problem)
  const bytesSent = Buffer.byteLength(body)
  const text = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
    `Content-Type: ${problemMediaType}`,
    `Content-Length: ${bytesSent}`,
    `Date: ${now.toUTCString()}`,
    `X-Request-Id: ${requestId}`,
    'Connection: close',
    '',
    body
  ].join('\r\n')
  return { text, status: problem.status, code: problem.code, bytesSent }
}
