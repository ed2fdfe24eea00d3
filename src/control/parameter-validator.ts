/** Ajv for what comes as text: query strings and path parameters. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'

// `array`: a parameter that may be repeated is one string when it is there once.
const ajv = new Ajv2020({ allErrors: true, useDefaults: true, coerceTypes: 'array', removeAdditional: false, strict: false, verbose: true })

/** Compiles `schema` into a validator that turns text into numbers and booleans, fills in defaults and refuses unknown names. */
export function toParameterValidator(schema: object): ValidateFunction {
  return ajv.compile(schema)
}
