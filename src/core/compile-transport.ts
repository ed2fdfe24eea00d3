/** How connections to the targets of a service are made. */
import type { Service } from '../../schemas/service.ts'
import type { CompiledTls, Transport } from './route.ts'

/** The transport of a service; undefined: the default, HTTP/1.1 and the CAs of the system. */
export function compileTransport({ http2 = false, tls: written }: Service): Transport | undefined {
  const { verify = true, ca, server_name } = written ?? {}
  const isDefault = verify && ca == null && server_name == null
  if (!http2 && isDefault) return undefined
  const tls: CompiledTls | undefined = isDefault ? undefined : { verify, ca: ca ?? undefined, serverName: server_name ?? undefined }
  return { key: JSON.stringify([http2, tls]), http2, tls }
}
