/** The health of targets as a fleet knows it: tells the others what this instance finds out, and makes something of what they tell. */
import { beatMs, type FleetLink, type FleetMessage, type ToldEjection, type ToldProbe } from '../core/fleet-health.ts'
import { FleetViews, type Quorum } from '../core/fleet-views.ts'
import type { ProbeShare } from '../core/probe-share.ts'

/** The probes of one target, as far as the fleet has to do with them. */
export interface SharedProbe {
  readonly share: ProbeShare
  /** The last own result; undefined: there is none. */
  tell(nowMs: number): ToldProbe | undefined
  /** `from` tells of a result. */
  hear(from: string, told: ToldProbe, nowMs: number): void
  /** Somebody else probes for all now. */
  moved(): void
}

/** Who ejects targets, and follows those that others eject. */
export interface Ejector {
  /** The ejections that this instance has decided itself. */
  ejections(): readonly ToldEjection[]
  /** Looks again at what the others have ejected. */
  followEjections(): void
}

/** How often it is looked who is there, in milliseconds: an even share of a beat. */
const tickMs = beatMs / 4
/** How long news waits for more of it, in milliseconds. */
const gatherMs = 50

export class FleetHealth {
  readonly #link: FleetLink
  readonly #now: () => number
  readonly #views: FleetViews
  readonly #probes = new Map<string, SharedProbe>()
  readonly #fresh = new Set<SharedProbe>()
  #ejector: Ejector | undefined
  #ticks = 0
  #told = 0
  #hadEjections = false
  #isUp = false
  #timer: NodeJS.Timeout | undefined
  #gathering: NodeJS.Timeout | undefined

  /** @param now milliseconds on a clock that only goes forward */
  constructor(link: FleetLink, now: () => number = () => performance.now()) {
    this.#link = link
    this.#now = now
    this.#views = new FleetViews(link.self)
  }

  /** The name of this instance on the link. */
  get self(): string {
    return this.#link.self
  }

  /** Whether nobody else is heard: this instance judges and probes for itself. */
  get isAlone(): boolean {
    return this.#views.members.length === 1
  }

  /** Begins to tell and to hear. Called once. */
  start(ejector: Ejector): void {
    this.#ejector = ejector
    this.#timer = setInterval(() => this.#tick(), tickMs).unref()
    this.#link.open({
      onUp: () => {
        this.#isUp = true
        this.#send(true)
      },
      onDown: () => {
        this.#isUp = false
        this.#views.drop()
        this.#review(true)
      },
      onMessage: (from, message) => this.#hear(from, message)
    })
  }

  /** Takes leave of the others. The link stays open: it is its owner's. */
  stop(): void {
    clearInterval(this.#timer)
    clearTimeout(this.#gathering)
    if (this.#isUp) this.#link.send({ isLeaving: true, ejections: [], probes: [] })
    this.#isUp = false
    this.#ejector = undefined
  }

  /** As `FleetViews.quorum`, with `untilMs` on the clock that shows `nowMs`. */
  quorum(service: string, target: string, nowMs: number): Quorum | undefined {
    const ownMs = this.#now()
    const quorum = this.#views.quorum(service, target, ownMs)
    return quorum && { ...quorum, untilMs: quorum.untilMs - ownMs + nowMs }
  }

  /** The own ejections are others than before: that is told soon. */
  ejectionsChanged(): void {
    this.#soon()
  }

  /** The probes of a target are shared from now on. */
  join(probe: SharedProbe): void {
    this.#probes.set(probe.share.key, probe)
    probe.share.prober = this.#views.proberOf(probe.share.key)
  }

  leave(probe: SharedProbe): void {
    if (this.#probes.get(probe.share.key) === probe) this.#probes.delete(probe.share.key)
    this.#fresh.delete(probe)
  }

  /** An own probe has ended. @returns the number of the result */
  probed(probe: SharedProbe): number {
    if (probe.share.isProber) {
      this.#fresh.add(probe)
      this.#soon()
    }
    return ++this.#told
  }

  now(): number {
    return this.#now()
  }

  #tick(): void {
    this.#review(true)
    if (++this.#ticks % (beatMs / tickMs) === 0) this.#send(true)
  }

  #hear(from: string, message: FleetMessage): void {
    const nowMs = this.#now()
    const isNews = this.#views.hear(from, message, nowMs)
    if (from !== this.self) for (const told of message.probes) this.#probes.get(told.key)?.hear(from, told, nowMs)
    this.#review(isNews)
  }

  // Between two looks at all targets it is only looked when somebody says something new.
  #review(isDue: boolean): void {
    const isOther = this.#views.review(this.#now())
    if (isOther) this.#share()
    if (!isDue && !isOther) return
    const { hasEjections } = this.#views
    if (hasEjections || this.#hadEjections) this.#ejector?.followEjections()
    this.#hadEjections = hasEjections
  }

  #share(): void {
    for (const probe of this.#probes.values()) {
      const prober = this.#views.proberOf(probe.share.key)
      if (prober === probe.share.prober) continue
      probe.share.prober = prober
      probe.moved()
    }
  }

  #soon(): void {
    if (!this.#isUp) return
    this.#gathering ??= setTimeout(() => this.#send(false), gatherMs).unref()
  }

  #send(isWhole: boolean): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    if (!this.#isUp || this.#ejector === undefined) return
    const nowMs = this.#now()
    const told = [...(isWhole ? this.#probes.values() : this.#fresh)].filter(({ share }) => share.isProber)
    this.#fresh.clear()
    const probes = told.flatMap(probe => probe.tell(nowMs) ?? [])
    this.#link.send({ isLeaving: false, ejections: this.#ejector.ejections(), probes })
  }
}
