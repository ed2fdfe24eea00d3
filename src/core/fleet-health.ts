/** What instances tell each other of the health of targets, and the way that it goes. No clock crosses machines: only durations do. */

/** The end of a probe, as the instance that made it tells. */
export interface ToldProbe {
  /** Which target was probed, and how: `probeKey`. */
  readonly key: string
  /** Grows with each probe of this key by this instance: a result that is told twice counts once. */
  readonly n: number
  readonly isOk: boolean
  /** How long ago it ended, in milliseconds. */
  readonly ageMs: number
  /** Of the answer; undefined without one. */
  readonly status: number | undefined
  readonly tookMs: number
  /** What went wrong, in words; undefined when nothing did. */
  readonly error: string | undefined
}

/** An ejection that an instance has decided itself. */
export interface ToldEjection {
  readonly service: string
  /** The URL of the target. */
  readonly target: string
  /** How long it still lasts, in milliseconds. */
  readonly remainingMs: number
}

/** What an instance says at one time. */
export interface FleetMessage {
  /** It is about to end: nothing is to be expected of it any more. */
  readonly isLeaving: boolean
  /** All its own ejections, never those that it follows. */
  readonly ejections: readonly ToldEjection[]
  /** The last results of what it probes for all: once a second each, in between those that are new. */
  readonly probes: readonly ToldProbe[]
}

/** Hears what comes over a link. */
export interface FleetLinkListener {
  /** What is sent arrives from now on, and so does what others send. */
  onUp(): void
  /** Nothing arrives any more. */
  onDown(): void
  /** @param from the sender; this instance hears itself, too */
  onMessage(from: string, message: FleetMessage): void
}

/** The way between instances. What is sent while it is down is lost. */
export interface FleetLink {
  /** What this instance is called on the link: its name, `#`, and what differs with each start. */
  readonly self: string
  /** Called once. */
  open(listener: FleetLinkListener): void
  /** Goes to all who listen now, oneself included. */
  send(message: FleetMessage): void
  /** Safe to call twice. */
  close(): Promise<void>
}

/** How often each instance says all that it has to say, in milliseconds. */
export const beatMs = 1_000
/** Who was not heard for so long is gone, in milliseconds. */
export const goneMs = 5_000
/** Who does not hear itself for so long is cut off, in milliseconds. Less than `goneMs`: a lost link is seen before anybody counts as gone. */
export const cutOffMs = 2_500
/** How long it takes until all who are there have been heard, in milliseconds; nothing is made of what they say before. */
export const settleMs = 2_000

/** The name of the instance that goes by `id` on the link. */
export function nameOf(id: string): string {
  return id.slice(0, id.lastIndexOf('#'))
}
