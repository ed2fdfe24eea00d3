/** Which bodies the admin plane reads, and how. Each route says in `schema.consumes` what it takes; JSON when it says nothing. */
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import { parseJson, parseYaml } from '../src/control/parse-text.ts'
import { UnsupportedMediaTypeError } from '../src/errors.ts'

export const jsonTypes = ['application/json'] as const
export const patchTypes = ['application/merge-patch+json', 'application/json'] as const
export const yamlTypes = ['application/yaml', 'text/yaml', 'application/x-yaml'] as const
export const documentTypes = [...jsonTypes, ...yamlTypes] as const

const bodyParsers: FastifyPluginCallback = (app, _options, done) => {
  app.removeAllContentTypeParsers()
  for (const type of patchTypes) app.addContentTypeParser(type, { parseAs: 'string' }, parserOf(parseJson))
  for (const type of yamlTypes) app.addContentTypeParser(type, { parseAs: 'string' }, parserOf(parseYaml))
  app.addHook('onRequest', (request, _reply, next) => {
    const { schema } = request.routeOptions
    const type = request.headers['content-type']
    if (schema?.body === undefined || type === undefined) return next()
    const taken: readonly string[] = schema.consumes ?? jsonTypes
    next(taken.includes(toMediaType(type)) ? undefined : new UnsupportedMediaTypeError(type.slice(0, 100)))
  })
  done()
}

function parserOf(parse: (text: string) => unknown) {
  return (_request: unknown, text: string | Buffer, done: (error: Error | null, value?: unknown) => void): void => {
    let value: unknown
    try {
      // An empty body is no body: some clients send the header with every DELETE.
      value = text.length === 0 ? undefined : parse(String(text))
    } catch (error) {
      return done(error as Error)
    }
    done(null, value)
  }
}

function toMediaType(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase()
}

// fp(): the parsers are for every route of the app.
export default fp(bodyParsers, { name: 'body-parsers', fastify: '5.x' })
