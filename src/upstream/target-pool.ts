/** What every way of connecting to a target offers. */
import type { Dispatcher } from 'undici'

/** The connections to one origin, with one connect timeout and one transport. */
export interface TargetPool {
  readonly connectMs: number
  /** Hands a request to a connection; `nowMs` is on the clock that `sweep` uses. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler, nowMs: number): void
  /** Read in `onRequestStart`: whether the request is the first one on its connection, or else whether it came from the idle ones. */
  readonly onFreshConnection: boolean
  /** Hands a request to a connection made for it alone. */
  dispatchOnce(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void
  /** Whether no request has used it since `sinceMs` and none is under way. */
  isIdle(sinceMs: number): boolean
  /** Lets the requests under way end, then closes. */
  close(): Promise<void>
}
