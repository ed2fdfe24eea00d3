/** From a certificate as it was written to what the API answers and handshakes need. */
import type { X509Certificate } from 'node:crypto'
import type { Certificate, CertificateWrite } from '../../schemas/certificate.ts'
import type { CompiledCertificate } from '../core/route.ts'
import type { Fault } from '../errors.ts'
import { readKeyPair } from './key-pair.ts'

/** The canonical item and what was compiled of it, or what is wrong. The item does not hold the key. Pure: it does not ask the clock. */
export function compileCertificate(
  written: CertificateWrite,
  id: string
): { readonly item: Certificate; readonly compiled: CompiledCertificate } | Fault {
  const { cert, key, description = '', labels = {} } = written
  if (key === undefined) return { pointer: '/key', detail: 'is required: there is none from before' }
  const pair = readKeyPair(cert, key)
  if ('detail' in pair) return { pointer: `/${pair.field}`, detail: pair.detail }
  const leaf = pair.chain[0]!
  const hosts = (written.hosts ?? namesIn(leaf)).map(host => host.toLowerCase())
  if (hosts.length === 0) return { pointer: '/hosts', detail: 'is required: the certificate holds no DNS name' }
  const item: Certificate = {
    id,
    description,
    labels,
    hosts,
    cert,
    // Node 22 has the dates as text only.
    not_before: new Date(leaf.validFrom).toISOString(),
    not_after: new Date(leaf.validTo).toISOString(),
    issuer: oneLine(leaf.issuer),
    subject: oneLine(leaf.subject),
    fingerprint: leaf.fingerprint256
  }
  return { item, compiled: { hosts, context: pair.context } }
}

function namesIn({ subjectAltName = '' }: X509Certificate): string[] {
  return [...subjectAltName.matchAll(/(?:^|, )DNS:([^,"]+)/g)].map(([, name]) => name!)
}

// node:crypto puts each attribute of a name on a line of its own.
function oneLine(name: string): string {
  return name.split('\n').join(', ')
}
