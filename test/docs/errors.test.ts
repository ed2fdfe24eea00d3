/** docs/errors.md and src/errors.ts are one table: no error without its line, no line without its error. */
import { readFileSync } from 'node:fs'
import t from 'tap'
import * as errors from '../../src/errors.ts'

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8')
const rows = page.split('\n').filter(line => line.startsWith('| `'))

interface HttpError extends Error {
  readonly code: string
  readonly statusCode: number
}

function fromCode(): string[] {
  const classes = Object.values(errors).filter(value => value.prototype instanceof Error) as unknown as (new () => HttpError)[]
  return classes.map(ErrorClass => {
    const { code, statusCode } = new ErrorClass()
    return `${code.toLowerCase()} ${statusCode}`
  })
}

t.test('every error has one line with its code and status, and every line its error', async t => {
  const listed = rows.map(row => {
    const [, code, status] = /^\| `([a-z_]+)` \| (\d{3}) \|/.exec(row) ?? []
    return `${code} ${status}`
  })
  t.ok(listed.length > 20)
  t.same(listed.toSorted(), fromCode().sort())
})

t.test('every line says when the error comes', async t => {
  for (const row of rows) t.match(row.split(' | ')[2], /^[A-Z`].+\. \|$/, row)
})
