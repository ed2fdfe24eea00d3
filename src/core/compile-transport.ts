/** How connections to the targets of a service are made. */
import type { Service } from '../../schemas/service.ts'
import type { TargetTls } from '../../schemas/target-tls.ts'
import type { CompiledTls, Transport } from './route.ts'

/** The transport of a service; undefined: the default, HTTP/1.1 and the CAs of the system. */
export function compileTransport({ http2 = false, tls: written }: Service): Transport | undefined {
  const tls = written === undefined ? undefined : compileTls(written)
  return http2 || tls !== undefined ? { key: JSON.stringify([http2, tls]), http2, tls } : undefined
}

// null and left out are the same.
function compileTls({ verify = true, ca, cert, key, server_name }: TargetTls): CompiledTls | undefined {
  if (verify && (ca ?? cert ?? server_name) == null) return undefined
  return { verify, ca: ca ?? undefined, cert: cert ?? undefined, key: key ?? undefined, serverName: server_name ?? undefined }
}
