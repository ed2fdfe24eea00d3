/** Whether the PEM texts of a service's `tls` can be used. */
import type { TargetTls } from '../../schemas/target-tls.ts'
import type { Fault } from '../errors.ts'
import { readCertificates, readKeyPair } from './key-pair.ts'

/** The first thing that is wrong, with a pointer into the service. */
export function targetTlsFault({ ca, cert, key }: TargetTls): Fault | undefined {
  if (ca != null && readCertificates(ca) === undefined) return { pointer: '/tls/ca', detail: 'must be one or more certificates in PEM' }
  if (cert == null) return key == null ? undefined : { pointer: '/tls/cert', detail: 'is required with a key' }
  if (key == null) return { pointer: '/tls/key', detail: 'is required with a cert: there is none from before' }
  const pair = readKeyPair(cert, key)
  return 'detail' in pair ? { pointer: `/tls/${pair.field}`, detail: pair.detail } : undefined
}
