/** What one instance knows of what the others say: who is there, what most of them have ejected, who probes what. Pure: the clock is passed in. */
import { cutOffMs, type FleetMessage, goneMs, settleMs, type ToldEjection } from './fleet-health.ts'
import { hashText } from './string-hash.ts'

/** An ejection by more than half of the instances. */
export interface Quorum {
  /** How many have ejected the target. */
  readonly ejected: number
  /** How many instances there are, this one included. */
  readonly of: number
  /** When they are not more than half any more, by what they said last. */
  readonly untilMs: number
}

interface View {
  readonly heardMs: number
  /** What was ejected -> until when. */
  readonly ejections: ReadonlyMap<string, number>
}

/** Two ends of an ejection that are closer are the same, in milliseconds. */
const sameMs = 250

const none: ReadonlyMap<string, number> = new Map()

export class FleetViews {
  readonly #self: string
  readonly #views = new Map<string, View>()
  #heardSelfMs: number | undefined
  #settledMs = Number.POSITIVE_INFINITY
  #members: readonly string[]

  /** @param self the name of this instance */
  constructor(self: string) {
    this.#self = self
    this.#members = [self]
  }

  /** Those that are there, in order; this one alone while it is cut off, or has not heard for long enough who there is. As of `review`. */
  get members(): readonly string[] {
    return this.#members
  }

  /** Whether somebody else has ejected anything. */
  get hasEjections(): boolean {
    for (const { ejections } of this.#views.values()) if (ejections.size > 0) return true
    return false
  }

  /** Takes what `from` says. `review` tells who is there then. @returns whether it has ejected other targets than before */
  hear(from: string, { ejections, isLeaving }: FleetMessage, nowMs: number): boolean {
    const before = this.#views.get(from)?.ejections ?? none
    if (from === this.#self) this.#heardSelf(nowMs)
    else if (isLeaving) this.#views.delete(from)
    else this.#views.set(from, { heardMs: nowMs, ejections: toUntil(ejections, before, nowMs) })
    const after = this.#views.get(from)?.ejections ?? none
    return after.size !== before.size || [...after.keys()].some(key => !before.has(key))
  }

  /** The link is down: what was heard counts no longer. */
  drop(): void {
    this.#views.clear()
    this.#heardSelfMs = undefined
    this.#settledMs = Number.POSITIVE_INFINITY
  }

  /** Looks who is there now. @returns whether others are than before */
  review(nowMs: number): boolean {
    // In this order: when nothing arrives any more the others seem to be gone one by one, and those that remain would be the majority.
    if (this.#isCutOff(nowMs)) this.drop()
    for (const [id, { heardMs }] of this.#views) if (nowMs - heardMs >= goneMs) this.#views.delete(id)
    const members = nowMs < this.#settledMs ? [this.#self] : [this.#self, ...this.#views.keys()].sort()
    const isSame = members.length === this.#members.length && members.every((id, index) => id === this.#members[index])
    if (!isSame) this.#members = members
    return !isSame
  }

  /**
   * The ejection of a target by more than half of the instances, as far as others have to do with it; undefined: there is none. It is judged
   * by an instance that has not ejected the target itself.
   */
  quorum(service: string, target: string, nowMs: number): Quorum | undefined {
    const of = this.#members.length
    const least = Math.floor(of / 2) + 1
    if (least > of - 1) return undefined
    const key = keyOf(service, target)
    const untils: number[] = []
    for (const id of this.#members) {
      const untilMs = this.#views.get(id)?.ejections.get(key)
      if (untilMs !== undefined && untilMs > nowMs) untils.push(untilMs)
    }
    if (untils.length < least) return undefined
    return { ejected: untils.length, of, untilMs: untils.sort((a, b) => b - a)[least - 1]! }
  }

  /** Who probes for all. Each has its share; when the members change only the shares of those who come or go move. */
  proberOf(key: string): string {
    return this.#members.reduce((best, id) => (score(id, key) > score(best, key) ? id : best))
  }

  #heardSelf(nowMs: number): void {
    // After a pause, of the link or of this process, what others have said meanwhile is still to come.
    if (this.#isCutOff(nowMs)) {
      this.drop()
      this.#settledMs = nowMs + settleMs
    }
    this.#heardSelfMs = nowMs
  }

  #isCutOff(nowMs: number): boolean {
    return this.#heardSelfMs === undefined || nowMs - this.#heardSelfMs >= cutOffMs
  }
}

/** Names what is probed, and how, equal on every instance that probes it the same way. @param check all that decides what a probe is */
export function probeKey(service: string, target: string, check: unknown): string {
  const text = JSON.stringify([service, target, check])
  return hex(hashText(text)) + hex(hashText(`${text.length}#${text}`))
}

// A message takes longer than another: that moves no end.
function toUntil(ejections: readonly ToldEjection[], before: ReadonlyMap<string, number>, nowMs: number): ReadonlyMap<string, number> {
  const until = ejections.map(({ service, target, remainingMs }) => {
    const key = keyOf(service, target)
    const knownMs = before.get(key)
    const untilMs = nowMs + remainingMs
    return [key, knownMs !== undefined && Math.abs(knownMs - untilMs) < sameMs ? knownMs : untilMs] as const
  })
  return new Map(until)
}

// Rendezvous hashing: each key has its own order of all instances.
function score(id: string, key: string): number {
  return hashText(`${id} ${key}`)
}

// No id of a service has a space.
function keyOf(service: string, target: string): string {
  return `${service} ${target}`
}

function hex(hash: number): string {
  return (hash >>> 0).toString(16).padStart(8, '0')
}
