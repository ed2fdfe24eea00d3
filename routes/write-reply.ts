/** What every write takes and every answer to one carries. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { WriteQuery } from '../schemas/admin.ts'
import { type DiffEntry, diffStates } from '../src/control/config-diff.ts'
import type { WriteOptions, WriteResult } from '../src/control/writer.ts'

/** A request to a route that writes. */
export type WriteRequest = FastifyRequest<{ Querystring: WriteQuery }>

/** How the request wants to be written, and who it comes from. */
export function writeOptionsOf({ query, caller }: WriteRequest): WriteOptions {
  const options = { by: caller.name, dryRun: query.dry_run, strict: query.strict }
  return query.wait === 'all' ? { ...options, waitMs: query.timeout_ms } : options
}

/** Names the revision that the write made, and says so when nothing was written. */
export function setWriteHeaders(reply: FastifyReply, { revision, dryRun }: WriteResult): FastifyReply {
  reply.header('sluice-revision', String(revision))
  return dryRun ? reply.header('sluice-dry-run', 'true') : reply
}

/** Answers a write with `body`, or with 202 and who follows it when not every instance does that it was to wait for. */
export function sendWritten(reply: FastifyReply, result: WriteResult, body: unknown): FastifyReply {
  setWriteHeaders(reply, result)
  const { revision, spread } = result
  return spread === undefined ? reply.send(body) : reply.code(202).send({ revision, ...spread, ...madeKeysOf(result) })
}

/** The keys that the write made for a client: whoever wrote it hears of them now or never. */
function madeKeysOf({ changes }: WriteResult): { api_keys?: readonly { id: string; key: string }[] } {
  const made = changes.flatMap(({ madeKeys }) => [...(madeKeys ?? [])])
  return made.length === 0 ? {} : { api_keys: made.map(([id, key]) => ({ id, key })) }
}

/** Wire shape of what a commit did. */
interface CommitResult extends Pick<WriteResult, 'revision' | 'warnings'> {
  readonly changes: readonly DiffEntry[]
}

export function toCommitResult({ revision, before, after, changes, warnings }: WriteResult): CommitResult {
  const refs = changes.map(({ change }) => change)
  return { revision, changes: diffStates(before, after, refs), warnings }
}
