/** GET and POST to the HTTP API of a registry, at one address. */
import { Pool } from 'undici'

export interface ApiAnswer {
  readonly status: number
  /** A header field; '' when there is none. */
  header(name: string): string
  readonly text: string
}

export interface ApiRequest {
  readonly method?: 'GET' | 'POST' | 'PUT'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** How long the answer may take, in milliseconds. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

export class HttpApi {
  readonly #pool: Pool
  readonly #basePath: string

  constructor(address: string) {
    const { origin, pathname } = new URL(address)
    this.#pool = new Pool(origin, { connections: 4, connect: { timeout: 1_000 } })
    this.#basePath = pathname.replace(/\/+$/, '')
  }

  async ask({ method = 'GET', path, headers = {}, body, timeoutMs, signal }: ApiRequest): Promise<ApiAnswer> {
    const late = AbortSignal.timeout(timeoutMs)
    try {
      const response = await this.#pool.request({
        method,
        path: this.#basePath + path,
        headers,
        body: body ?? null,
        headersTimeout: 0,
        bodyTimeout: 0,
        signal: signal === undefined ? late : AbortSignal.any([late, signal])
      })
      const text = await response.body.text()
      return { status: response.statusCode, header: name => [response.headers[name] ?? ''].flat()[0]!, text }
    } catch (error) {
      throw late.aborted ? new Error('the server did not answer in time') : error
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy()
  }
}

/** The JSON of an answer of 200. @throws {Error} with the status, and nothing of the request */
export function jsonOf({ status, text }: ApiAnswer): unknown {
  if (status !== 200) throw new Error(`HTTP status ${status}: ${text.slice(0, 200).trim()}`)
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('the server answered with something else than JSON')
  }
}
