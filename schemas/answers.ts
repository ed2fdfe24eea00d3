/** Builders for the `response` part of a route's schema: what OpenAPI shows and what the tests hold every answer to. */
import Type, { type TSchema } from 'typebox'
import { SpreadSchema } from './admin-fleet.ts'
import { ProblemSchema } from './problem.ts'

/** An answer of one status. Fastify and `@fastify/swagger` both read this shape. */
export interface Answer {
  readonly description: string
  readonly headers?: Readonly<Record<string, TSchema>>
  readonly content?: Readonly<Record<string, { readonly schema: TSchema }>>
  /** `null`: without a body. */
  readonly type?: 'null'
}

const RevisionHeader = Type.Integer({
  minimum: 0,
  description: 'The configuration revision that this instance has applied; after a write, the one that the write made.'
})

/** Response headers that routes name in their answers. */
export const answerHeaders = {
  etag: Type.String({ description: 'Strong entity tag of the item, equal on every instance.', examples: ['"mVq0p3nC1T8x5bqUO2yZ9A"'] }),
  location: Type.String({ description: 'Where the new item is. Absent in a dry run.', examples: ['/forward-rules/rule-001'] }),
  dryRun: Type.Boolean({ description: '`true` when nothing was written because of `dry_run`.' }),
  replayed: Type.Boolean({ description: '`true` when this is the stored answer to an earlier request with the same `Idempotency-Key`.' })
} as const

/** What every write may add to its answer. */
export const writeHeaders = { 'Sluice-Dry-Run': answerHeaders.dryRun, 'Idempotent-Replayed': answerHeaders.replayed } as const

/** The answer to a write with `wait=all` that not every instance follows in time. */
export function spreadAnswer(headers: Readonly<Record<string, TSchema>> = {}): Answer {
  const description = 'With `wait=all`: written, and live on this instance, but not on every one within `timeout_ms`.'
  return answer(description, SpreadSchema, { ...headers, ...writeHeaders })
}

/** An answer with a JSON body of `schema`. */
export function answer(description: string, schema: TSchema, headers: Readonly<Record<string, TSchema>> = {}): Answer {
  return answerAs(description, { 'application/json': { schema } }, headers)
}

/** An answer in one of several content types. */
export function answerAs(
  description: string,
  content: Readonly<Record<string, { readonly schema: TSchema }>>,
  headers: Readonly<Record<string, TSchema>> = {}
): Answer {
  return { description, headers: { 'Sluice-Revision': RevisionHeader, ...headers }, content }
}

/** An answer without a body. */
export function emptyAnswer(description: string, headers: Readonly<Record<string, TSchema>> = {}): Answer {
  return { description, headers: { 'Sluice-Revision': RevisionHeader, ...headers }, type: 'null' }
}

const problemTexts = {
  400: 'The request is not valid; `errors` says where.',
  401: 'A valid bearer token is needed.',
  403: 'The role of the token does not allow this, or the Host or Origin is not allowed.',
  404: 'There is no such item.',
  409: 'In conflict with what is there.',
  412: 'A precondition (`If-Match`, `If-None-Match`) does not hold; nothing was written.',
  413: 'The body is larger than is allowed here.',
  415: 'The content type is not taken here.',
  422: 'Well-formed, but it cannot be made live.',
  429: 'More calls than a caller may make; nothing was done.',
  500: 'Something went wrong inside.',
  503: 'Not ready, or the store cannot be reached; nothing was written.'
} as const

/** A status that is answered with a problem. */
export type ProblemStatus = keyof typeof problemTexts

const retryAfter = Type.Integer({ minimum: 0, description: 'Seconds after which to try again.' })

const problemHeaders: Partial<Record<ProblemStatus, Readonly<Record<string, TSchema>>>> = {
  401: { 'WWW-Authenticate': Type.String({ description: 'The scheme that is wanted.', examples: ['Bearer realm="sluice admin"'] }) },
  429: {
    'Retry-After': retryAfter,
    'X-RateLimit-Limit': Type.Integer({ minimum: 1, description: 'Calls that a caller may make in one window.' }),
    'X-RateLimit-Remaining': Type.Integer({ minimum: 0, description: 'How many of them are left.' }),
    'X-RateLimit-Reset': Type.Integer({ minimum: 0, description: 'Seconds until the next window.' })
  },
  503: { 'Retry-After': retryAfter }
}

/** The problem answers of an operation, by status. */
export function problems(...statuses: readonly ProblemStatus[]): Partial<Record<ProblemStatus, Answer>> {
  const toAnswer = (status: ProblemStatus): Answer => {
    // A write that was refused is refused again with the same answer; what failed inside is tried anew.
    const replayed = status < 500 ? { 'Idempotent-Replayed': answerHeaders.replayed } : {}
    const headers = { ...problemHeaders[status], ...replayed }
    return answerAs(problemTexts[status], { 'application/problem+json': { schema: ProblemSchema } }, headers)
  }
  return Object.fromEntries(statuses.map(status => [status, toAnswer(status)]))
}
