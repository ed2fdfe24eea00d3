/** The OpenAPI 3.1 document, made from the routes. Registered before them. */
import swagger, { type FastifyDynamicSwaggerOptions } from '@fastify/swagger'
import type { FastifyPluginAsync, FastifySchema, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { problems } from '../schemas/answers.ts'
import { collectNamed, type NamedSchemas, toComponents, withReferences, withSharedProblems } from '../src/control/openapi-document.ts'

export interface OpenapiOptions {
  /** The version of this package. */
  readonly version: string
}

/** The groups of operations, in the order in which Swagger UI shows them. */
export const tags = [
  { name: 'Forward rules', description: 'What is matched and where it is forwarded.' },
  { name: 'Services', description: 'Named groups of targets.' },
  { name: 'Certificates', description: 'What the TLS listener shows, by the host that the client names.' },
  { name: 'Clients', description: 'Known callers, their API keys, and the tiers that say what each may do.' },
  { name: 'Configuration', description: 'The configuration as a whole: export, sync, validation, commits.' },
  { name: 'History', description: 'What was changed, when and by whom; back to it; what happens now.' },
  { name: 'Rollouts', description: 'Changes that take effect step by step, and go back by themselves.' },
  { name: 'Diagnosis', description: 'Why a request goes where it goes.' },
  { name: 'Instance', description: 'Health, readiness, status and metrics of this instance.' }
] as const

const description = `Changes the rules of a Sluice gateway while it runs. Every write is atomic, takes effect on every instance at once,
and is answered once this instance has applied it. Errors are problem details (RFC 9457) with a stable \`code\`;
\`errors\` points at what is wrong.`

const openapi: FastifyPluginAsync<OpenapiOptions> = async (app, { version }) => {
  const named: NamedSchemas = new Map()
  const options: FastifyDynamicSwaggerOptions = {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sluice admin API',
        version,
        description,
        license: { name: 'MIT', url: 'https://opensource.org/license/mit' }
      },
      // Relative: Swagger UI calls whatever host it was loaded from.
      servers: [{ url: '/', description: 'This instance.' }],
      tags: [...tags],
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'A token of SLUICE_ADMIN_TOKEN or SLUICE_ADMIN_TOKENS. None is needed when none is set.'
          }
        }
      }
    },
    convertConstToEnum: false,
    transform: ({ schema, url, route }) => {
      const shown = toShown(schema, route)
      collectNamed(shown, named)
      return { schema: shown, url }
    },
    transformObject: document => {
      if (!('openapiObject' in document)) throw new Error('not an OpenAPI document')
      const { components, paths: raw, ...head } = document.openapiObject
      const { paths, responses } = withSharedProblems(withReferences(raw, named) as Record<string, unknown>)
      return { ...head, paths, components: { ...components, responses, schemas: toComponents(named) } } as typeof document.openapiObject
    }
  }
  await app.register(swagger, options)
}

// Every operation can be refused for its parameters, its caller or a fault of ours: said once here and not on every route.
function toShown(schema: FastifySchema, { config }: RouteOptions): FastifySchema {
  const role = config?.role ?? 'admin'
  const isPublic = role === 'public'
  const response = {
    ...(schema.response as object | undefined),
    ...problems(...(isPublic ? ([403, 500] as const) : ([400, 401, 403, 500] as const))),
    ...(config?.rateLimit === false ? {} : problems(429))
  }
  const security = isPublic ? [] : [{ bearer: [] }]
  const text = isPublic ? schema.description : [schema.description, `Needs the role \`${role}\`.`].filter(Boolean).join('\n\n')
  return { ...schema, response: byStatus(response), security, ...(text === undefined ? {} : { description: text }) }
}

function byStatus(response: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(response).sort(([a], [b]) => Number(a) - Number(b)))
}

// fp(): the document is made from the routes of the whole app.
export default fp(openapi, { name: 'openapi', fastify: '5.x' })
