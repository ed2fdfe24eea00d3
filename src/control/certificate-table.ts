/** The certificates of the configuration by the names they are for. */
import type { SecureContext } from 'node:tls'
import type { ConfigState } from '../core/config-state.ts'

/**
 * Finds the certificate for a host: one for its name, else one for every name below its parent (RFC 6125 section 6.4.3: `*` stands for one
 * label). Of two for the same name the newer item counts.
 */
export function createCertificateLookup(stateOf: () => ConfigState | undefined): (host: string) => SecureContext | undefined {
  let known: ConfigState['certificates'] | undefined
  let table = new Map<string, SecureContext>()
  return host => {
    const state = stateOf()
    if (state === undefined) return undefined
    if (state.certificates !== known) {
      known = state.certificates
      table = toTable(state)
    }
    const dot = host.indexOf('.')
    return table.get(host) ?? (dot === -1 ? undefined : table.get(`*${host.slice(dot)}`))
  }
}

function toTable(state: ConfigState): Map<string, SecureContext> {
  const table = new Map<string, SecureContext>()
  for (const { compiled } of state.list('certificate'))
    for (const host of compiled.hosts) table.set(host, compiled.context as SecureContext)
  return table
}
