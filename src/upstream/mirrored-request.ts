/** One copy of a request on its way to a target, whose answer nobody waits for. */
import type { Dispatcher } from 'undici'
import type { Cancellable } from './exchange.ts'
import type { MirrorOutcome } from './own-requests.ts'
import type { TargetPool } from './pools.ts'

export class MirroredRequest implements Dispatcher.DispatchHandler, Cancellable {
  readonly #onEnd: (outcome: MirrorOutcome) => void
  #controller: Dispatcher.DispatchController | undefined
  #timer: NodeJS.Timeout | undefined
  #isOver = false

  /** `onEnd` is called once, however it ends. */
  constructor(onEnd: (outcome: MirrorOutcome) => void) {
    this.#onEnd = onEnd
  }

  /** Sends it, unless it has ended. It may take `limitMs` in all. Never throws: nobody is there to hear of it. */
  start(pool: TargetPool, request: Dispatcher.DispatchOptions, limitMs: number): void {
    if (this.#isOver) return
    this.#timer = setTimeout(() => this.cancel(), limitMs).unref()
    try {
      pool.dispatch(request, this, performance.now())
    } catch {
      this.end('failed')
    }
  }

  cancel(): void {
    this.end('failed')
    this.#controller?.abort(new Error('cancelled'))
  }

  end(outcome: MirrorOutcome): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#onEnd(outcome)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#isOver) return controller.abort(new Error('cancelled'))
    this.#controller = controller
  }

  onResponseStart(): void {
    // Its body is read to the end, so that the connection can be used again.
  }

  onResponseData(): void {
    // Dropped.
  }

  onResponseEnd(): void {
    this.end('answered')
  }

  onResponseError(): void {
    this.end('failed')
  }
}
