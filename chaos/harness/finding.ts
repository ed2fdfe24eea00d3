/** What a fault did, as far as anybody outside could tell. */

export interface Finding {
  /** Requests sent while it lasted. */
  readonly requests: number
  /** What went wrong with them, each with its count. */
  readonly failed: Readonly<Record<string, number>>
  /** From the end of the fault until a request through every gateway followed the newest version, in milliseconds; undefined where nothing ends. */
  readonly currentMs: number | undefined
  /** What `/health` said, in order. */
  readonly health: string
  /** What else was measured, in a few words each. */
  readonly measured: readonly string[]
  /** The promises that did not hold. */
  readonly broken: readonly string[]
}

/** Why a fault could not be tried here. */
export interface Skipped {
  readonly skipped: string
}

/** What must hold, and what did not. */
export class Bars {
  readonly broken: string[] = []

  /** Notes `promise` as broken unless `holds`; `found` says what was there in its place. */
  that(promise: string, holds: boolean, found?: unknown): void {
    if (!holds)
      this.broken.push(found === undefined ? promise : `${promise} (found: ${typeof found === 'string' ? found : JSON.stringify(found)})`)
  }
}
