/** TLS to the targets of a service. */
import Type, { type Static } from 'typebox'
import { nullable } from './common.ts'

/** A text of one or more PEM blocks (RFC 7468). Read and checked when the item is written. */
export const PemSchema = Type.String({ minLength: 1, maxLength: 65_536, pattern: '^[\\t\\r\\n\\x20-\\x7e]+$' })

export const TargetTlsSchema = Type.Object(
  {
    verify: Type.Optional(
      Type.Boolean({ description: 'false: any certificate is taken. Default true: it must be valid, for this name, and of a known CA.' })
    ),
    ca: Type.Optional(nullable(PemSchema, { description: 'PEM certificates of the CAs to trust. Default null: those of the system.' })),
    cert: Type.Optional(
      nullable(PemSchema, {
        description: 'The certificate of the gateway in PEM, with its chain, for targets that ask for one. Needs `key`.'
      })
    ),
    key: Type.Optional(
      nullable(
        Type.String({
          ...PemSchema,
          writeOnly: true,
          description: 'The private key of `cert` in PEM. No answer holds it. Left out beside a `cert`: the stored key stays.'
        })
      )
    ),
    server_name: Type.Optional(
      nullable(Type.String({ minLength: 1, maxLength: 253, pattern: '^[A-Za-z0-9._-]+$' }), {
        description: 'The name for SNI that the certificate must be for. Default null: the host in the URL of the target.'
      })
    )
  },
  { additionalProperties: false, description: 'What holds for targets with an https URL.' }
)
export type TargetTls = Static<typeof TargetTlsSchema>
