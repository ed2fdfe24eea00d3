/** What a service asks for in TLS to its targets, as `node:tls` has it. */
import type { SecureContextOptions } from 'node:tls'
import type { CompiledTls } from '../core/route.ts'

/** The part of the options of a connection that services set. */
export type TargetTlsOptions = Pick<SecureContextOptions, 'ca' | 'cert' | 'key' | 'minVersion'> & { rejectUnauthorized?: boolean }

/** Options for a connection; without `servername`, which depends on who connects. */
export function toTlsOptions(tls: CompiledTls | undefined): TargetTlsOptions {
  const options: TargetTlsOptions = { minVersion: 'TLSv1.2' }
  if (tls === undefined) return options
  if (!tls.verify) options.rejectUnauthorized = false
  if (tls.ca !== undefined) options.ca = tls.ca
  if (tls.cert !== undefined) options.cert = tls.cert
  if (tls.key !== undefined) options.key = tls.key
  return options
}
