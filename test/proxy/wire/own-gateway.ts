/** Sluice with the rules that the table is written for. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { type GatewayProcess, startGateway, type Teardown, tempFolder } from '../../helpers/gateway.ts'

/** Where nothing listens: the port is reserved (RFC 6335 section 6, "tcpmux"). */
const closedTarget = 'http://127.0.0.1:1'

/** Starts a gateway that forwards everything to `targetPort`; `/refused`, `/silent` and the rest are named by the rows that use them. */
export function startOwnGateway(t: Teardown, targetPort: number): Promise<GatewayProcess> {
  const target = `http://127.0.0.1:${targetPort}`
  const rules = [
    { id: 'all', path: '/', target },
    { id: 'refused', path: '/refused', target: closedTarget },
    { id: 'silent', path: '/silent', target, timeout_ms: { total: 150 } },
    { id: 'limited', path: '/limited', target, max_body_bytes: 10 },
    { id: 'stripped', path: '/stripped', target: `${target}/base`, strip_prefix: true },
    {
      id: 'edited',
      path: '/edited',
      target,
      request_headers: { set: { 'X-Set': 'new' }, remove: ['X-Gone'] },
      response_headers: { set: { 'X-Out': 'new' }, remove: ['X-Gone'] }
    },
    { id: 'literal', path: '/literal', target, host_header: 'inner.example:81' }
  ]
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'sluice.yaml'), stringify({ forward_rules: rules }))
  return startGateway(t, { SLUICE_ACCESS_LOG: 'false', SLUICE_LOG_LEVEL: 'info' }, folder)
}
