/** What every answer to a write carries. */
import type { FastifyReply } from 'fastify'
import type { WriteResult } from '../src/control/writer.ts'

/** Names the revision that the write made, and says so when nothing was written. */
export function setWriteHeaders(reply: FastifyReply, { revision, dryRun }: WriteResult): FastifyReply {
  reply.header('sluice-revision', String(revision))
  return dryRun ? reply.header('sluice-dry-run', 'true') : reply
}
