/**
 * How the admin plane judges its input and writes its output. Fastify's own Ajv would drop unknown body fields and coerce strings:
 * bodies are judged strictly, parameters are coerced (they come as text), and both answer with the same faults.
 */
import type { FastifyPluginCallback, FastifySchemaCompiler } from 'fastify'
import fp from 'fastify-plugin'
import Type from 'typebox'
import { toParameterValidator } from '../src/control/parameter-validator.ts'
import { toFaults, toValidator } from '../src/control/schema-faults.ts'
import { type Fault, InvalidBodyError, ValidationError, withFaults } from '../src/errors.ts'

type Verdict = { readonly value: unknown } | { readonly error: Error }

const NoQuerySchema = Type.Object({}, { additionalProperties: false })

const compile: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
  if (httpPart === 'body') return bodyValidator(schema)
  if (httpPart === 'headers') return () => true
  return parameterValidator(schema, httpPart === 'querystring' ? 'Query parameter' : 'Path parameter')
}

/**
 * For routes whose bodies are items or configurations: the schema is there for the documentation, the judging is done in one place
 * for every way in (`parseItem`), so that texts and pointers are the same everywhere.
 */
export const judgeBodyLater: FastifySchemaCompiler<object> = route => {
  if (route.httpPart !== 'body') return compile(route)
  return (value: unknown): Verdict => (value === undefined || value === null ? { error: missingBody() } : { value })
}

function bodyValidator(schema: object): (value: unknown) => Verdict {
  const validate = toValidator(schema)
  return value => {
    if (value === undefined || value === null) return { error: missingBody() }
    if (validate(value)) return { value }
    const faults = toFaults(validate.errors ?? [])
    return { error: invalid(faults, ({ pointer, detail }) => `${pointer === '' ? 'The body' : pointer} ${detail}`) }
  }
}

function parameterValidator(schema: object, noun: string): (value: unknown) => Verdict {
  const validate = toParameterValidator(schema)
  const flags = flagsOf(schema)
  return given => {
    const value: Record<string, unknown> = { ...(given as Record<string, unknown>) }
    // `?dry_run` without a value is how people write a flag.
    for (const flag of flags) if (value[flag] === '') value[flag] = true
    if (validate(value)) return { value }
    const faults = toFaults(validate.errors ?? []).map(fault => ({
      ...fault,
      detail: fault.detail.replace('known field', 'known parameter')
    }))
    return { error: invalid(faults, ({ pointer, detail }) => `${noun} '${pointer.slice(1)}' ${detail}`) }
  }
}

function flagsOf(schema: object): string[] {
  const { properties = {} } = schema as { properties?: Record<string, { type?: string }> }
  return Object.keys(properties).filter(name => properties[name]?.type === 'boolean')
}

function missingBody(): Error {
  return withFaults(new InvalidBodyError('A body is needed'), [{ pointer: '', detail: 'is required' }])
}

function invalid(faults: readonly Fault[], toText: (fault: Fault) => string): Error {
  const [first] = faults
  return withFaults(new ValidationError(first === undefined ? 'The request is not valid' : toText(first)), faults)
}

const adminValidators: FastifyPluginCallback = (app, _options, done) => {
  app.setValidatorCompiler(compile)
  // What a handler sends is what goes out: fast-json-stringify would silently drop what a schema forgot. The tests hold every answer
  // to its schema instead.
  app.setSerializerCompiler(() => data => JSON.stringify(data))
  app.addHook('onRoute', route => {
    // A misspelt parameter must not be ignored. Probes may add what they like (cache busters).
    if (route.schema?.operationId !== undefined && route.config?.role !== 'public') route.schema.querystring ??= NoQuerySchema
  })
  done()
}

// fp(): the compilers are for every route of the app.
export default fp(adminValidators, { name: 'admin-validators', fastify: '5.x' })
