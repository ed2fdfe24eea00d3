/** The configuration as a whole: export, declarative sync, validation, commits, quarantine. */
import Type, { type Static } from 'typebox'
import { WriteQuerySchema } from './admin.ts'
import { CertificateSchema, CertificateWriteSchema } from './certificate.ts'
import { ClientSchema, ClientWriteSchema } from './client.ts'
import { IdSchema } from './common.ts'
import { ForwardRuleSchema, ForwardRuleWriteSchema } from './forward-rule.ts'
import { FaultSchema } from './problem.ts'
import { ServiceSchema, ServiceWriteSchema } from './service.ts'
import { TierSchema, TierWriteSchema } from './tier.ts'
import { WarningsSchema } from './warning.ts'

const DocumentKindSchema = Type.Enum(['forward_rule', 'service', 'certificate', 'tier', 'client'], { description: 'The kind of item.' })
const KindSchema = Type.Enum(['forward_rule', 'service', 'certificate', 'tier', 'client', 'rollout'], { description: 'The kind of item.' })
const OpSchema = Type.Enum(['create', 'update', 'delete', 'unchanged'], { description: 'What happens to the item.' })

/** What is written: a whole configuration, or the part of it to put. */
export const ConfigDocumentWriteSchema = Type.Object(
  {
    forward_rules: Type.Optional(Type.Array(ForwardRuleWriteSchema)),
    services: Type.Optional(Type.Array(ServiceWriteSchema)),
    certificates: Type.Optional(Type.Array(CertificateWriteSchema)),
    tiers: Type.Optional(Type.Array(TierWriteSchema)),
    clients: Type.Optional(Type.Array(ClientWriteSchema))
  },
  {
    additionalProperties: false,
    title: 'ConfigDocumentWrite',
    description: 'Every item needs an `id`.',
    examples: [
      {
        services: [{ id: 'users', targets: [{ url: 'http://127.0.0.1:8081' }] }],
        forward_rules: [{ id: 'users', path: '/api/users', target_service: 'users' }]
      }
    ]
  }
)

/** What is exported: every live item in canonical form, oldest first. */
export const ConfigDocumentSchema = Type.Object(
  {
    forward_rules: Type.Array(ForwardRuleSchema),
    services: Type.Array(ServiceSchema),
    certificates: Type.Optional(Type.Array(CertificateSchema)),
    tiers: Type.Optional(Type.Array(TierSchema)),
    clients: Type.Optional(Type.Array(ClientSchema))
  },
  { additionalProperties: false, title: 'ConfigDocument' }
)

export const ExportQuerySchema = Type.Object(
  { format: Type.Optional(Type.Enum(['json', 'yaml'], { description: 'Wins over `Accept`. Default json.' })) },
  { additionalProperties: false }
)

export const SyncQuerySchema = Type.Object(
  {
    ...WriteQuerySchema.properties,
    prune: Type.Optional(Type.Boolean({ default: false, description: 'Delete what the document does not list.' }))
  },
  { additionalProperties: false }
)

export const DiffEntrySchema = Type.Object(
  {
    op: OpSchema,
    kind: KindSchema,
    id: IdSchema,
    changed: Type.Optional(Type.Array(Type.String(), { description: 'JSON pointers to what differs, for an update.' }))
  },
  { additionalProperties: false, title: 'DiffEntry' }
)

const count = (description: string) => Type.Integer({ minimum: 0, description })
const RevisionSchema = Type.Integer({ minimum: 0, description: 'The revision this made; the current one when nothing was written.' })

export const SyncResultSchema = Type.Object(
  {
    revision: RevisionSchema,
    created: count('Items that were not there.'),
    updated: count('Items that differed.'),
    deleted: count('Items that the document does not list (with `prune`).'),
    unchanged: count('Items of the document that are live as they are.'),
    diff: Type.Array(DiffEntrySchema, { description: 'What changed, without the unchanged.' }),
    warnings: WarningsSchema
  },
  { additionalProperties: false, title: 'SyncResult' }
)

const ConfigProblemSchema = Type.Object(
  {
    kind: Type.Union([DocumentKindSchema, Type.Null()]),
    id: Type.Union([Type.String(), Type.Null()], { description: 'null when the item has none.' }),
    index: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()], {
      description: 'Place in its list; null when it is not about an item.'
    }),
    pointer: Type.String({ description: 'JSON pointer into the document.' }),
    detail: Type.String()
  },
  { additionalProperties: false, title: 'ConfigProblem' }
)
export type ConfigProblem = Static<typeof ConfigProblemSchema>

export const ValidateResultSchema = Type.Object(
  { valid: Type.Boolean(), problems: Type.Array(ConfigProblemSchema) },
  { additionalProperties: false, title: 'ValidateResult' }
)

export const QuarantineSchema = Type.Object(
  {
    items: Type.Array(
      Type.Object(
        {
          kind: KindSchema,
          id: Type.String(),
          code: Type.String({ description: 'Why, as in `code` of a problem.', examples: ['validation_failed'] }),
          errors: Type.Array(FaultSchema),
          previous_live: Type.Boolean({
            description: 'Whether an earlier version of the item still serves; with `expectation_failed` the rule itself does.'
          }),
          revision: Type.Integer({ minimum: 0, description: 'The revision that brought it.' })
        },
        { additionalProperties: false, title: 'QuarantinedItem' }
      )
    )
  },
  {
    additionalProperties: false,
    title: 'Quarantine',
    description: 'Items that the store holds and that cannot be live, and rules that are live with tests that fail (`expectation_failed`).'
  }
)

/** A change as a client writes it. */
export const CommitChangeSchema = Type.Object(
  {
    op: Type.Enum(['put', 'delete']),
    kind: DocumentKindSchema,
    id: Type.Optional(Type.String({ description: 'May be left out of a put whose item has an id.' })),
    item: Type.Optional(Type.Unknown({ description: 'The whole item, for a put.' }))
  },
  { additionalProperties: false, title: 'CommitChange' }
)

export const CommitWriteSchema = Type.Object(
  { changes: Type.Array(CommitChangeSchema, { minItems: 1, maxItems: 10_000 }) },
  {
    additionalProperties: false,
    title: 'CommitWrite',
    examples: [
      {
        changes: [
          { op: 'put', kind: 'service', id: 'users', item: { targets: [{ url: 'http://127.0.0.1:8081' }] } },
          { op: 'put', kind: 'forward_rule', id: 'users', item: { path: '/api/users', target_service: 'users' } }
        ]
      }
    ]
  }
)
export type CommitWrite = Static<typeof CommitWriteSchema>

export const CommitResultSchema = Type.Object(
  { revision: RevisionSchema, changes: Type.Array(DiffEntrySchema), warnings: WarningsSchema },
  { additionalProperties: false, title: 'CommitResult' }
)

export const RecoverWriteSchema = Type.Object(
  { keep: Type.Enum(['instance', 'store'], { description: 'Whose configuration goes on.' }) },
  { additionalProperties: false, title: 'RecoverWrite', examples: [{ keep: 'instance' }] }
)

export const RecoverResultSchema = Type.Object(
  { revision: Type.Integer({ minimum: 0, description: 'The revision that is live now.' }) },
  { additionalProperties: false, title: 'RecoverResult' }
)
