/** A certificate of the TLS listener. Wire shape of `/certificates` and of `certificates` in a file. */
import Type, { type Static } from 'typebox'
import { DescriptionSchema, IdSchema, LabelsSchema, TimestampSchema } from './common.ts'
import { PemSchema } from './target-tls.ts'

const HostSchema = Type.String({
  minLength: 1,
  maxLength: 253,
  pattern: '^(\\*\\.)?[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*$',
  examples: ['*.example.com']
})

const fields = {
  description: Type.Optional(DescriptionSchema),
  labels: Type.Optional(LabelsSchema),
  hosts: Type.Optional(
    Type.Array(HostSchema, {
      minItems: 1,
      maxItems: 100,
      description:
        'Who gets it, by SNI: a name, or `*.` and a name for every name one label below. Default: the DNS names in the certificate.'
    })
  ),
  cert: Type.String({ ...PemSchema, description: 'The certificate in PEM, and behind it those that lead to its CA.' })
}

/** Worked out from the certificate; ignored in what is written, so that an answer can be sent back. */
const facts = {
  not_before: Type.String({ ...TimestampSchema, readOnly: true }),
  not_after: Type.String({ ...TimestampSchema, readOnly: true, description: 'When it ends. Handshakes go on, and clients refuse it.' }),
  issuer: Type.String({ readOnly: true }),
  subject: Type.String({ readOnly: true }),
  fingerprint: Type.String({ readOnly: true, description: 'SHA-256, in hexadecimal.', examples: ['AB:CD:…'] })
}

/** What a client writes. */
export const CertificateWriteSchema = Type.Object(
  {
    id: Type.Optional(IdSchema),
    ...fields,
    key: Type.Optional(
      Type.String({
        ...PemSchema,
        writeOnly: true,
        description: 'The private key in PEM, without a passphrase. No answer holds it. Left out of an item that is there: the key stays.'
      })
    ),
    ...(Object.fromEntries(Object.entries(facts).map(([name, schema]) => [name, Type.Optional(schema)])) as {
      [K in keyof typeof facts]: ReturnType<typeof Type.Optional<(typeof facts)[K]>>
    })
  },
  { additionalProperties: false, title: 'CertificateWrite' }
)
export type CertificateWrite = Static<typeof CertificateWriteSchema>

/** What the API answers: everything but the key. Valid input again. */
export const CertificateSchema = Type.Object(
  { id: IdSchema, ...fields, hosts: Type.Array(HostSchema), ...facts },
  { additionalProperties: false, title: 'Certificate' }
)

/** A certificate in canonical form. */
export interface Certificate {
  readonly id: string
  readonly description: string
  readonly labels: Readonly<Record<string, string>>
  readonly hosts: readonly string[]
  readonly cert: string
  readonly not_before: string
  readonly not_after: string
  readonly issuer: string
  readonly subject: string
  readonly fingerprint: string
}
