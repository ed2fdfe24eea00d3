/** Holds answers to the OpenAPI document: the status is documented, the headers are named, the body fits its schema. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { Answer } from './admin.ts'

/** Throws when `answer` is not one that the document allows for the operation. Operations that are not in it are passed over. */
export type ContractCheck = (method: string, url: string, answer: Answer) => void

interface DocumentedResponse {
  readonly $ref?: string
  readonly headers?: Readonly<Record<string, unknown>>
  readonly content?: Readonly<Record<string, unknown>>
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Readonly<Record<string, DocumentedResponse>> }>>>>
}

/** Our own header fields: none may appear that the document does not name. */
const ownHeaders = ['sluice-revision', 'sluice-dry-run', 'idempotent-replayed', 'etag', 'location']

export function createContractCheck(openapi: unknown): ContractCheck {
  const document = openapi as Document
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  ;(addFormats as unknown as (instance: Ajv2020) => void)(ajv)
  ajv.addSchema(openapi as object, 'openapi.json')
  const validators = new Map<string, ValidateFunction>()
  const validatorAt = (pointer: string): ValidateFunction => {
    let validate = validators.get(pointer)
    if (validate === undefined) {
      validate = ajv.compile({ $ref: `openapi.json#${pointer}` })
      validators.set(pointer, validate)
    }
    return validate
  }
  return (method, url, answer) => {
    const path = pathOf(document, url)
    const operation = path === undefined ? undefined : document.paths[path]?.[method.toLowerCase()]
    if (path === undefined || operation === undefined) return
    const called = `${method} ${path} ${answer.status}`
    const at = `/paths/${toToken(path)}/${method.toLowerCase()}/responses/${answer.status}`
    const response = operation.responses[answer.status]
    if (response === undefined) throw new Error(`${called} is not documented: ${JSON.stringify(answer.body)}`)
    const [pointer, resolved] = response.$ref === undefined ? [at, response] : resolve(openapi, response.$ref)
    checkHeaders(called, answer, resolved)
    checkBody(called, answer, resolved, type => validatorAt(`${pointer}/content/${toToken(type)}/schema`))
  }
}

function checkHeaders(called: string, { headers }: Answer, { headers: documented = {} }: DocumentedResponse): void {
  const names = Object.keys(documented).map(name => name.toLowerCase())
  for (const name of ownHeaders)
    if (headers[name] !== undefined && !names.includes(name)) throw new Error(`${called} does not document the header ${name}`)
}

function checkBody(
  called: string,
  answer: Answer,
  { content }: DocumentedResponse,
  validatorFor: (type: string) => ValidateFunction
): void {
  const type = (answer.headers['content-type'] ?? '').split(';')[0]!
  if (content === undefined) {
    if (answer.body !== '') throw new Error(`${called} is documented without a body`)
    return
  }
  if (content[type] === undefined) throw new Error(`${called} does not document the content type '${type}'`)
  const validate = validatorFor(type)
  if (!validate(answer.body))
    throw new Error(`${called} does not fit its schema: ${JSON.stringify(validate.errors)} ${JSON.stringify(answer.body)}`)
}

function pathOf({ paths }: Document, url: string): string | undefined {
  const asked = url.split('?')[0]!.split('/')
  const fits = (template: string) => {
    const parts = template.split('/')
    return parts.length === asked.length && parts.every((part, index) => part.startsWith('{') || part === asked[index])
  }
  const found = Object.keys(paths).filter(fits)
  return found.find(template => !template.includes('{')) ?? found[0]
}

function resolve(openapi: unknown, ref: string): [pointer: string, value: DocumentedResponse] {
  const pointer = ref.slice(1)
  const value = pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], openapi)
  return [pointer, value as DocumentedResponse]
}

function toToken(token: string): string {
  return encodeURIComponent(token.replaceAll('~', '~0').replaceAll('/', '~1'))
}
