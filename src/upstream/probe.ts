/** One active probe of one target, on a connection of its own. */
import { connect } from 'node:net'
import type { Dispatcher } from 'undici'
import type { CompiledHealthCheck } from '../core/health-check.ts'
import type { CompiledTarget } from '../core/route.ts'
import { version } from '../version.ts'
import { codeOf } from './failures.ts'
import { Pools } from './pools.ts'

export interface ProbeResult {
  readonly isOk: boolean
  /** Of the answer; undefined without one. */
  readonly status: number | undefined
  readonly tookMs: number
  /** What went wrong, in words without any address. */
  readonly error: string | undefined
}

/** How much of an answer is read, in bytes. What is longer is a success all the same. */
const longestRead = 65_536

/**
 * Probes `target` once.
 * @param onEnd called once, unless the probe is cancelled before
 * @returns how to cancel it
 */
export function startProbe(target: CompiledTarget, check: CompiledHealthCheck, onEnd: (result: ProbeResult) => void): () => void {
  const probe = new Probe(check, onEnd)
  if (check.type === 'tcp') probe.connect(target)
  else probe.request(target)
  return () => probe.cancel()
}

class Probe implements Dispatcher.DispatchHandler {
  readonly #check: CompiledHealthCheck
  readonly #onEnd: (result: ProbeResult) => void
  readonly #startedMs = performance.now()
  readonly #timer: NodeJS.Timeout
  #release: (() => void) | undefined
  #controller: Dispatcher.DispatchController | undefined
  #status: number | undefined
  #bytes = 0
  #isOver = false

  constructor(check: CompiledHealthCheck, onEnd: (result: ProbeResult) => void) {
    this.#check = check
    this.#onEnd = onEnd
    this.#timer = setTimeout(() => this.#fail(`no answer within ${check.timeoutMs} ms`), check.timeoutMs)
  }

  /** Opens a connection, and closes it. */
  connect({ origin }: CompiledTarget): void {
    const { protocol, hostname, port } = new URL(origin)
    const host = hostname.replace(/^\[|\]$/g, '')
    const socket = connect({ host, port: Number(port) || (protocol === 'https:' ? 443 : 80) })
    this.#release = () => socket.destroy()
    socket.once('connect', () => this.#end(undefined))
    socket.on('error', error => this.#fail(`connect ${codeOf(error)}`))
  }

  /** Sends a request, with the target's own TLS and version of HTTP. */
  request({ origin, host, transport }: CompiledTarget): void {
    const { path, method, timeoutMs } = this.#check
    const pools = new Pools()
    this.#release = () => {
      this.#controller?.abort(new Error('over'))
      void pools.close()
    }
    const headers = ['host', this.#check.host ?? host, 'user-agent', `sluice/${version} (health check)`, 'accept', '*/*']
    const options = { path, method, headers, body: null, headersTimeout: timeoutMs, bodyTimeout: timeoutMs }
    pools.get(origin, timeoutMs, transport).dispatchOnce(options, this)
  }

  /** Ends it without a result. */
  cancel(): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#release?.()
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) return controller.abort(new Error('over'))
    this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    // Interim answers are none.
    if (status >= 200) this.#status = status
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > longestRead) this.#judge()
  }

  onResponseEnd(): void {
    this.#judge()
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    const code = codeOf(error)
    this.#fail(this.#controller === undefined ? `connect ${code}` : code)
  }

  #judge(): void {
    const isExpected = this.#status !== undefined && this.#check.isExpected(this.#status)
    this.#end(isExpected ? undefined : `status ${this.#status}`)
  }

  #fail(error: string): void {
    this.#end(error)
  }

  #end(error: string | undefined): void {
    if (this.#isOver) return
    this.cancel()
    this.#onEnd({ isOk: error === undefined, status: this.#status, tookMs: performance.now() - this.#startedMs, error })
  }
}
