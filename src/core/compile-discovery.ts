/** From the `discovery` of a service to a block that a source can be opened with. */
import type { Discovery, DiscoveryType } from '../../schemas/discovery.ts'
import type { CompiledDiscovery } from './discovery.ts'
import type { Faults } from './rule-fault.ts'
import { compileTarget } from './target-address.ts'

const common = ['type', 'scheme', 'allow_empty']
const fieldsOf: Readonly<Record<DiscoveryType, { readonly needs: readonly (keyof Discovery)[]; readonly may: readonly string[] }>> = {
  dns: { needs: ['name'], may: ['record', 'port', 'server', 'refresh_ms'] },
  consul: { needs: ['address', 'service'], may: ['tags', 'datacenter', 'token'] },
  etcd: { needs: ['address', 'prefix'], may: ['username', 'password'] },
  nacos: { needs: ['address', 'service'], may: ['group', 'namespace', 'clusters', 'username', 'password', 'refresh_ms'] }
}

/** What is wrong goes to `faults`, with pointers below `/discovery`. */
export function compileDiscovery(item: Discovery, faults: Faults): CompiledDiscovery {
  const { needs, may } = fieldsOf[item.type]
  const known = [...common, ...needs, ...may]
  for (const name of needs) if (item[name] === undefined) faults.add(['discovery', name], `is required with type ${item.type}`)
  for (const name of Object.keys(item)) if (!known.includes(name)) faults.add(['discovery', name], `is not for type ${item.type}`)
  if (item.address !== undefined) {
    const address = compileTarget(item.address, 1)
    if (typeof address === 'string') faults.add(['discovery', 'address'], address)
  }
  if (item.record === 'SRV' && item.port !== undefined) faults.add(['discovery', 'port'], 'comes from the SRV records')
  if (item.server !== undefined && !isServer(item.server))
    faults.add(['discovery', 'server'], 'must be an IP address, with or without a port')
  return { key: JSON.stringify(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1))), item }
}

function isServer(text: string): boolean {
  return /^(\d{1,3}(\.\d{1,3}){3}(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*)$/.test(text)
}
