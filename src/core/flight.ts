/** How one request to one target ended: what health, ejection, breakers and balancers learn from. */

/**
 * `connect_error`: no connection took it. `reset`: the connection broke, or what came was no HTTP. `timeout`: the target was too slow.
 * `cancelled`: it was ended for a reason that is not the target's, such as a client that left; it says nothing about the target.
 */
export type FlightFailure = 'connect_error' | 'reset' | 'timeout' | 'cancelled'

export interface FlightEnd {
  /** Of the answer; undefined when none began. */
  readonly status: number | undefined
  /** Undefined when the whole answer came. With a status: the answer broke off. */
  readonly failure: FlightFailure | undefined
  /** From handing the request to the pool until the head of the answer, in milliseconds; undefined when none came. */
  readonly headMs: number | undefined
  /** From handing the request to the pool until the end, in milliseconds. */
  readonly totalMs: number
}
