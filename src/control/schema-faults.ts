/** Ajv, set up once: strict about bodies, and its errors turned into faults that a person can act on. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { Fault } from '../errors.ts'

/** Compiles `schema` into a validator that refuses unknown fields and wrong types and fills in defaults. */
export function toValidator(schema: object): ValidateFunction {
  return ajv.compile(schema)
}

const ajv = new Ajv2020({ allErrors: true, useDefaults: true, coerceTypes: false, removeAdditional: false, strict: false, verbose: true })
// ajv-formats is CommonJS: under nodenext its default export is typed as the module itself.
;(addFormats as unknown as (instance: Ajv2020, options: { formats: string[] }) => void)(ajv, { formats: ['date-time'] })

/** How many faults one answer lists at most: a hostile body must not make a huge answer. */
const maxFaults = 50

/**
 * One fault per place. A value that fits no branch of an `anyOf` is one fault, in the words of the schema's description, unless
 * exactly one branch is of the value's own type: then that branch's faults say more.
 */
export function toFaults(errors: readonly ErrorObject[]): Fault[] {
  const unions = errors.filter(error => error.keyword === 'anyOf')
  const faults = new Map<string, Fault>()
  for (const error of errors) {
    if (error.keyword === 'anyOf' ? hasTelling(error, errors) : isSpoiled(error, unions, errors)) continue
    const fault = toFault(error)
    if (!faults.has(fault.pointer)) faults.set(fault.pointer, fault)
    if (faults.size >= maxFaults) break
  }
  return [...faults.values()]
}

/** The errors of the branches of `union` that lie deeper than the value itself: the branch was of the right type. */
function tellingOf(union: ErrorObject, errors: readonly ErrorObject[]): ErrorObject[] {
  const isScalar = typeof union.data !== 'object' || union.data === null
  return errors.filter(
    error =>
      error !== union &&
      error.schemaPath.startsWith(union.schemaPath) &&
      error.instancePath.startsWith(union.instancePath) &&
      error.keyword !== 'anyOf' &&
      (isScalar
        ? !['type', 'enum', 'const', 'additionalProperties', 'required'].includes(error.keyword)
        : error.instancePath !== union.instancePath || isObjectFault(error))
  )
}

function isObjectFault(error: ErrorObject): boolean {
  return error.keyword === 'additionalProperties' || error.keyword === 'required'
}

// {"regex": …} and {"present": …} both complain about each other's field: that is no telling answer.
function hasTelling(union: ErrorObject, errors: readonly ErrorObject[]): boolean {
  const telling = tellingOf(union, errors)
  return telling.length > 0 && !(telling.every(isObjectFault) && telling.length > 1)
}

function isSpoiled(error: ErrorObject, unions: readonly ErrorObject[], errors: readonly ErrorObject[]): boolean {
  const around = unions.filter(union => error.schemaPath.startsWith(union.schemaPath))
  return around.some(union => !hasTelling(union, errors) || !tellingOf(union, errors).includes(error))
}

function toFault(error: ErrorObject): Fault {
  const { instancePath, keyword, params } = error
  if (keyword === 'additionalProperties')
    return { pointer: `${instancePath}/${escapePointer(params.additionalProperty)}`, detail: 'is not a known field' }
  if (keyword === 'required') return { pointer: `${instancePath}/${escapePointer(params.missingProperty)}`, detail: 'is required' }
  if (keyword === 'enum') return { pointer: instancePath, detail: `must be one of: ${params.allowedValues.join(', ')}` }
  if (keyword === 'const') return { pointer: instancePath, detail: `must be ${JSON.stringify(params.allowedValue)}` }
  if (keyword === 'type')
    return { pointer: instancePath, detail: `must be ${Array.isArray(params.type) ? params.type.join(' or ') : params.type}` }
  const meaning = (error.parentSchema as { description?: string } | undefined)?.description
  if (keyword === 'anyOf')
    return {
      pointer: instancePath,
      detail: meaning === undefined ? 'has none of the allowed forms' : `has none of the allowed forms: ${meaning}`
    }
  const detail =
    keyword === 'format' && params.format === 'date-time'
      ? 'must be a date and time of RFC 3339, such as 2026-12-01T00:00:00Z'
      : (error.message ?? 'is not valid')
  return { pointer: instancePath, detail: keyword === 'pattern' && meaning !== undefined ? `is not valid: ${meaning}` : detail }
}

/** One reference token of RFC 6901. */
export function escapePointer(token: string): string {
  return token.replaceAll('~', '~0').replaceAll('/', '~1')
}
