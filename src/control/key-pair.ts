/** Certificates and their keys as PEM texts (RFC 7468): what is wrong with them, before a handshake finds out. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'

/** TLS 1.2 at least, in every context of the listener. */
export const minTlsVersion = 'TLSv1.2'

export interface KeyPair {
  /** The certificate of the server, and behind it those that lead to its CA. */
  readonly chain: readonly X509Certificate[]
  readonly context: SecureContext
}

/** What is wrong, and with which of the two. */
export interface KeyPairFault {
  readonly field: 'cert' | 'key'
  readonly detail: string
}

/** The pair, ready for handshakes, or what is wrong with it. Nothing that is said holds any of the key. */
export function readKeyPair(cert: string, key: string): KeyPair | KeyPairFault {
  const chain = readCertificates(cert)
  const [leaf] = chain ?? []
  if (chain === undefined || leaf === undefined) return { field: 'cert', detail: 'must be one or more certificates in PEM' }
  const privateKey = readKey(key)
  if (privateKey === undefined) return { field: 'key', detail: 'must be a private key in PEM, without a passphrase' }
  if (!leaf.checkPrivateKey(privateKey)) return { field: 'key', detail: 'is not the key of the first certificate' }
  try {
    return { chain, context: createSecureContext({ cert, key, minVersion: minTlsVersion }) }
  } catch {
    return { field: 'cert', detail: 'cannot be used for TLS' }
  }
}

/** The certificates in a text; undefined when one of them, or what stands between them, is none. */
export function readCertificates(text: string): X509Certificate[] | undefined {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  try {
    return blocks.length === 0 ? undefined : blocks.map(block => new X509Certificate(block))
  } catch {
    return undefined
  }
}

function readKey(text: string): KeyObject | undefined {
  try {
    return createPrivateKey(text)
  } catch {
    return undefined
  }
}
