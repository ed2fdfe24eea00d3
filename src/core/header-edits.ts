/** Header edits of a rule, checked and made ready to apply. */
import type { HeaderEdits } from '../../schemas/forward-rule.ts'
import type { CompiledHeaderEdits } from './route.ts'
import type { Faults } from './rule-fault.ts'

/** Fields that belong to one connection or frame the message (RFC 9110 sections 7.6.1 and 8.6): the gateway sets them itself. */
const ownFields: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'expect',
  'host',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade'
])

type Field = readonly [name: string, value: string]

/** The edits with names in lower case; undefined when there are none. */
export function compileHeaderEdits(
  edits: HeaderEdits | undefined,
  field: 'request_headers' | 'response_headers',
  faults: Faults
): CompiledHeaderEdits | undefined {
  if (edits === undefined) return undefined
  const remove = [...new Set((edits.remove ?? []).map((name, index) => toFieldName(name, [field, 'remove', index], faults)))]
  const set = compileFields(edits.set, [field, 'set'], faults)
  const add = compileFields(edits.add, [field, 'add'], faults)
  return remove.length + set.length + add.length === 0 ? undefined : { remove, set, add }
}

/** Names in lower case with their values. A name that is written twice (`X-A`, `x-a`) is a fault, as is one the gateway sets itself. */
export function compileFields(
  fields: Readonly<Record<string, string>> | undefined,
  keys: readonly (string | number)[],
  faults: Faults
): readonly Field[] {
  const seen = new Set<string>()
  return Object.entries(fields ?? {}).map(([written, value]) => {
    const name = toFieldName(written, [...keys, written], faults)
    if (seen.has(name)) faults.add([...keys, written], 'is named twice; header names do not depend on case')
    seen.add(name)
    return [name, value]
  })
}

function toFieldName(written: string, keys: readonly (string | number)[], faults: Faults): string {
  const name = written.toLowerCase()
  if (ownFields.has(name)) faults.add(keys, `'${name}' belongs to the connection or frames the message; the gateway sets it itself`)
  return name
}
