/** The documented shape of the operations on the configuration as a whole. */
import Type from 'typebox'
import { documentTypes } from '../plugins/body-parsers.ts'
import { WriteHeadersSchema, WriteQuerySchema } from '../schemas/admin.ts'
import {
  CommitResultSchema,
  CommitWriteSchema,
  ConfigDocumentSchema,
  ConfigDocumentWriteSchema,
  ExportQuerySchema,
  QuarantineSchema,
  SyncQuerySchema,
  SyncResultSchema,
  ValidateResultSchema
} from '../schemas/admin-config.ts'
import { answer, answerAs, problems, spreadAnswer, writeHeaders } from '../schemas/answers.ts'

const tags = ['Configuration']

export const exportSchema = {
  operationId: 'exportConfig',
  tags,
  summary: 'Export the configuration',
  description: 'Every live item in canonical form. What is exported can be put again.',
  querystring: ExportQuerySchema,
  response: {
    200: answerAs('The configuration.', {
      'application/json': { schema: ConfigDocumentSchema },
      'application/yaml': { schema: Type.String({ description: 'The same document in YAML.' }) }
    }),
    ...problems(503)
  }
} as const

export const syncSchema = {
  operationId: 'putConfig',
  tags,
  summary: 'Bring the configuration to a document',
  description:
    'Declarative sync in one commit: puts what differs and, with `prune`, deletes what is not listed. Up to 64 MiB of JSON or YAML. ' +
    'What is the same already is not written.',
  consumes: [...documentTypes],
  querystring: SyncQuerySchema,
  headers: WriteHeadersSchema,
  body: ConfigDocumentWriteSchema,
  response: {
    200: answer('What changed, or would with `dry_run`.', SyncResultSchema, writeHeaders),
    202: spreadAnswer(),
    ...problems(409, 413, 415, 422, 503)
  }
} as const

export const validateSchema = {
  operationId: 'validateConfig',
  tags,
  summary: 'Check a configuration',
  description: 'Says everything that would be wrong if the document replaced the whole configuration. Writes nothing.',
  consumes: [...documentTypes],
  body: ConfigDocumentWriteSchema,
  response: { 200: answer('The verdict.', ValidateResultSchema), ...problems(413, 415) }
} as const

export const problemsSchema = {
  operationId: 'listConfigProblems',
  tags,
  summary: 'List what is wrong',
  description:
    'Items that the store holds and that cannot be live, with why: their previous versions, if any, keep serving. ' +
    'And rules that are live with tests that fail.',
  response: { 200: answer('Items in quarantine, and rules whose tests fail.', QuarantineSchema), ...problems(503) }
} as const

export const commitSchema = {
  operationId: 'createCommit',
  tags,
  summary: 'Make several changes at once',
  description: 'Puts and deletes items as one revision, all or nothing.',
  querystring: WriteQuerySchema,
  headers: WriteHeadersSchema,
  body: CommitWriteSchema,
  response: {
    200: answer('What changed.', CommitResultSchema, writeHeaders),
    202: spreadAnswer(),
    ...problems(404, 409, 413, 415, 422, 503)
  }
} as const
