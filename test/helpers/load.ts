/** Constant-rate load for tests: requests start when they are due, whether earlier ones have ended or not. */
import { Pool } from 'undici'

export interface LoadOptions {
  readonly url: string
  readonly perSecond: number
  /** Judges an answer: undefined when it is right, otherwise what is wrong with it. `began` is what `mark` gave when the request started. */
  readonly judge: (answer: LoadAnswer, began: unknown) => string | undefined
  /** Called when a request starts; its value is handed to `judge`. */
  readonly mark?: () => unknown
  readonly path?: string
  /** Header fields of the next request. */
  readonly headers?: () => Readonly<Record<string, string>>
  /** Whether a 5xx is one that the test wants. Default: none is. */
  readonly isWanted?: (answer: LoadAnswer) => boolean
}

export interface LoadAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface LoadResult {
  readonly sent: number
  /** What went wrong, each once with its count: connect error, reset, 5xx, timeout of 2 s, or what `judge` said. */
  readonly failed: Readonly<Record<string, number>>
}

export interface Load {
  /** How many requests have ended so far. */
  readonly ended: number
  /** Starts no more, waits for those under way. */
  stop(): Promise<LoadResult>
}

const tickMs = 10

export function startLoad(options: LoadOptions): Load {
  const { url, perSecond, judge, mark, path = '/', headers: nextHeaders = () => ({}), isWanted = () => false } = options
  const pool = new Pool(url, { connections: 32, headersTimeout: 2000, bodyTimeout: 2000, connect: { timeout: 2000 } })
  const failed: Record<string, number> = {}
  const underWay = new Set<Promise<void>>()
  let sent = 0
  let ended = 0
  const fail = (reason: string): void => {
    failed[reason] = (failed[reason] ?? 0) + 1
  }
  const one = async (): Promise<void> => {
    const began = mark?.()
    try {
      const { statusCode: status, headers, body } = await pool.request({ path, method: 'GET', headers: nextHeaders() })
      const answer = { status, headers, body: await body.text() }
      const wrong = judge(answer, began)
      if (status >= 500 && !isWanted(answer)) fail(`status ${status}`)
      else if (wrong !== undefined) fail(wrong)
    } catch (error) {
      fail((error as NodeJS.ErrnoException).code ?? String(error))
    }
    ended++
  }
  const begin = performance.now()
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - begin) / 1000) * perSecond)
    for (; sent < due; sent++) {
      const request = one().finally(() => underWay.delete(request))
      underWay.add(request)
    }
  }, tickMs)
  return {
    get ended() {
      return ended
    },
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
      await pool.close()
      return { sent, failed }
    }
  }
}

/** The value below which the share `q` of `values` lies. */
export function quantile(values: readonly number[], q: number): number {
  const ordered = [...values].sort((a, b) => a - b)
  return ordered[Math.min(ordered.length - 1, Math.floor(ordered.length * q))] ?? Number.NaN
}
