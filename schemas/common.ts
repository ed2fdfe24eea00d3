/** Pieces that several schemas share. TypeBox values; the types are derived from them. */
import Type, { type Static, type TSchema } from 'typebox'

/** 1-64 of `a-z A-Z 0-9 . _ -`. */
export const IdSchema = Type.String({
  pattern: '^[A-Za-z0-9._-]{1,64}$',
  description: '1-64 of a-z A-Z 0-9 . _ -',
  examples: ['rule-001']
})

export const DescriptionSchema = Type.String({ maxLength: 1000, default: '', description: 'Free text for people.' })

/** Free key-value pairs for people and filters (`?label=team:users`). */
export const LabelsSchema = Type.Record(Type.String({ pattern: '^[A-Za-z0-9._/-]{1,63}$' }), Type.String({ maxLength: 255 }), {
  additionalProperties: false,
  default: {},
  description: 'Free key-value pairs, for people and for the `label` filter.',
  examples: [{ team: 'users' }]
})
export type Labels = Static<typeof LabelsSchema>

/** An absolute `http:` or `https:` URL without user, query or fragment. Parsed and checked when the item is compiled. */
export const HttpUrlSchema = Type.String({
  minLength: 1,
  maxLength: 2048,
  pattern: '^[Hh][Tt][Tt][Pp][Ss]?://',
  description: 'Absolute http or https URL; no credentials, query or fragment.',
  examples: ['http://10.0.0.7:8080/base']
})

/** A field name of RFC 9110 section 5.1 (a token). */
export const headerNamePattern = "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$"

/** A field value of RFC 9110 section 5.5, without CR, LF and NUL: nothing written here can split a message. */
export const HeaderValueSchema = Type.String({
  maxLength: 8192,
  pattern: '^[\\t\\x20-\\x7e\\x80-\\xff]*$',
  description: 'A header value; no line breaks.'
})

/** Header name to value. */
export const HeaderMapSchema = Type.Record(Type.String({ pattern: headerNamePattern }), HeaderValueSchema, { additionalProperties: false })

export const TimestampSchema = Type.String({ format: 'date-time', examples: ['2026-12-01T00:00:00Z'] })

/** One value or a list of them: `"GET"` and `["GET", "POST"]` are both whole. */
export function oneOrMore<T extends TSchema>(schema: T, description: string) {
  return Type.Union([schema, Type.Array(schema, { minItems: 1, maxItems: 1000 })], { description })
}

export function nullable<T extends TSchema>(schema: T, options: { description?: string; default?: null } = {}) {
  return Type.Union([schema, Type.Null()], options)
}
