/** From a client as it was written to one that can be recognised. */
import { hash } from 'node:crypto'
import type { Client, ClientWrite } from '../../schemas/client.ts'
import type { CompiledClient } from '../core/client.ts'
import { Faults, type RuleFault } from '../core/rule-fault.ts'

/** What is kept of a key: whoever reads the store cannot use it. Keys are random and long, so nothing slower is needed. */
export function digestOfKey(key: string): string {
  return hash('sha256', key, 'hex')
}

/** @param filled passed the schema, with the schema's defaults filled in */
export function compileClient(filled: ClientWrite, id: string): CompiledClient | readonly RuleFault[] {
  const faults = new Faults()
  const { api_keys: written = [], ...rest } = filled
  const ids = new Set<string>()
  const digests = new Set<string>()
  const keys = written.map(({ id: name, key, key_sha256, expires_at = null, created_at }, index) => {
    const at = ['api_keys', index]
    if (ids.has(name)) faults.add([...at, 'id'], 'is the id of another key as well')
    ids.add(name)
    if ((key === undefined) === (key_sha256 === undefined))
      faults.add(
        at,
        key === undefined
          ? 'needs a `key`; one is made only for a client that is written by itself'
          : 'needs one of key and key_sha256, not both'
      )
    const sha256 = key_sha256 ?? (key === undefined ? '' : digestOfKey(key))
    if (sha256 !== '' && digests.has(sha256)) faults.add(at, 'is the same key as another one')
    digests.add(sha256)
    return { sha256, expires_at, shown: { id: name, expires_at, ...(created_at === undefined ? {} : { created_at }) } }
  })
  if (faults.list.length > 0) return faults.list
  const item = { ...rest, id, api_keys: keys.map(({ shown }) => shown) } as unknown as Client
  return {
    id,
    item,
    tier: item.tier ?? undefined,
    keys: keys.map(({ sha256, expires_at }) => ({
      sha256,
      expiresMs: expires_at === null ? Number.POSITIVE_INFINITY : Date.parse(expires_at)
    }))
  }
}
