/** `/certificates` */
import Type, { type Static } from 'typebox'
import { pageQuery, pageSchema } from '../schemas/admin.ts'
import { CertificateSchema, CertificateWriteSchema } from '../schemas/certificate.ts'
import { itemRoutes } from './items.ts'

const CertificateQuerySchema = Type.Object(
  { ...pageQuery, host: Type.Optional(Type.String({ maxLength: 255, description: 'Only certificates that list this host.' })) },
  { additionalProperties: false }
)
type Query = Static<typeof CertificateQuerySchema>

export default itemRoutes<'certificate', Query>({
  kind: 'certificate',
  path: '/certificates',
  tag: 'Certificates',
  name: 'Certificate',
  noun: 'certificate',
  readSchema: CertificateSchema,
  writtenSchema: CertificateSchema,
  writeSchema: CertificateWriteSchema,
  pageSchema: pageSchema(CertificateSchema, 'CertificatePage'),
  querySchema: CertificateQuerySchema,
  examples: {
    one: {
      summary: 'A certificate with its key',
      value: {
        id: 'example',
        hosts: ['api.example.com', '*.example.com'],
        cert: '-----BEGIN CERTIFICATE-----\n...\n-----END CERTIFICATE-----\n',
        key: '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n'
      }
    }
  },
  patchExample: { hosts: ['api.example.com'] },
  matches: ({ hosts }, { host }) => host === undefined || hosts.includes(host.toLowerCase())
})
