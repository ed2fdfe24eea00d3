/** Who may use a rule: `auth`. */
import Type, { type Static } from 'typebox'

/** Used for what an `api_key` leaves out. */
export const defaultApiKeyAuth = { in: 'header:X-API-Key', hide_credentials: true } as const

const ApiKeyAuthSchema = Type.Object(
  {
    type: Type.Literal('api_key'),
    in: Type.Optional(
      Type.String({
        pattern: "^header:[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$",
        description: 'Where the key of a client is sent. Default header:X-API-Key.',
        examples: ['header:X-API-Key']
      })
    ),
    hide_credentials: Type.Optional(Type.Boolean({ description: 'Whether the target does not get the key. Default true.' }))
  },
  { additionalProperties: false, title: 'ApiKeyAuth', description: 'A key of one of the `clients`.' }
)

const AnonymousAuthSchema = Type.Object(
  { type: Type.Literal('anonymous') },
  {
    additionalProperties: false,
    title: 'AnonymousAuth',
    description: 'Who shows nothing at all passes as nobody; what is wrong is refused all the same.'
  }
)

export const AuthSchema = Type.Object(
  {
    any_of: Type.Array(Type.Union([ApiKeyAuthSchema, AnonymousAuthSchema]), {
      minItems: 1,
      maxItems: 10,
      description: 'Ways to show who one is; one of them must hold.'
    })
  },
  { additionalProperties: false, title: 'Auth', description: 'Who may use the rule. Without it everybody, and nobody is known.' }
)
export type Auth = Static<typeof AuthSchema>
