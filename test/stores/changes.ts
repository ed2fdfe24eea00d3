/** Changes for the tests of stores. */
import type { Change } from '../../src/core/change.ts'

export function putRule(id: string, fields: object = {}): Change {
  return { op: 'put', kind: 'forward_rule', id, item: { id, path: `/${id}`, target: 'http://127.0.0.1:9', ...fields } }
}

export function deleteRule(id: string): Change {
  return { op: 'delete', kind: 'forward_rule', id }
}
