/** Which certificate the TLS listener shows to whom. */
import { readFileSync } from 'node:fs'
import type { SecureContext } from 'node:tls'
import { readKeyPair } from './key-pair.ts'
import type { CertificateSource } from './tls-server.ts'

/** The files of `SLUICE_TLS_CERT` and `SLUICE_TLS_KEY`. */
export interface CertificateFiles {
  readonly cert: string
  readonly key: string
}

export interface ServerCertificatesOptions {
  /** Undefined: clients that name no host with a certificate are refused. */
  readonly files: CertificateFiles | undefined
  /** The certificate of the configuration for a host (in lower case). */
  readonly find: (host: string) => SecureContext | undefined
}

export class ServerCertificates implements CertificateSource {
  readonly #options: ServerCertificatesOptions
  #fallback: CertificateSource['fallback']
  #onFallback: () => void = () => {}

  /** @throws {Error} whose message is one line that says what is wrong with the files */
  constructor(options: ServerCertificatesOptions) {
    this.#options = options
    this.#fallback = options.files === undefined ? undefined : readFiles(options.files)
  }

  get fallback(): CertificateSource['fallback'] {
    return this.#fallback
  }

  contextFor(host: string): SecureContext | undefined {
    return this.#options.find(host)
  }

  onFallback(listener: () => void): void {
    this.#onFallback = listener
  }

  /** Reads the files again. False: there are none. @throws as the constructor; what was there before stays */
  reload(): boolean {
    const { files } = this.#options
    if (files === undefined) return false
    this.#fallback = readFiles(files)
    this.#onFallback()
    return true
  }
}

function readFiles(files: CertificateFiles): { cert: string; key: string } {
  const pair = { cert: readText(files, 'cert'), key: readText(files, 'key') }
  const read = readKeyPair(pair.cert, pair.key)
  if ('detail' in read) throw new Error(`${settingOf[read.field]}: ${files[read.field]} ${read.detail}`)
  return pair
}

const settingOf = { cert: 'SLUICE_TLS_CERT', key: 'SLUICE_TLS_KEY' } as const

function readText(files: CertificateFiles, field: 'cert' | 'key'): string {
  try {
    return readFileSync(files[field], 'utf8')
  } catch (error) {
    throw new Error(`${settingOf[field]}: cannot read ${files[field]} (${(error as NodeJS.ErrnoException).code})`)
  }
}
