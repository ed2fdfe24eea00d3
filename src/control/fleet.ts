/**
 * The instances that share the store. Each announces what it follows, after every change and once a second, and reads what the others
 * announce: to answer a write only when all follow it, and to find out that two hold different things at one revision.
 */
import type { FleetStore, InstanceReport, Store } from '../core/store.ts'
import { within } from '../etcd/deadline.ts'
import { Announcer } from './announcer.ts'
import { createReporter } from './instance-report.ts'
import type { LiveConfig } from './live-config.ts'
import { isSameLife, type Spread, type SpreadWait, type WrittenItems } from './spread.ts'
import { SpreadWatch } from './spread-watch.ts'

/** What is found out about the other instances. */
export interface FleetListener {
  /** How many instances are live, this one included. */
  onCount(count: number): void
  /** `other` holds something else at the same revision. Once for each such pair of reports. */
  onMismatch(other: InstanceReport, self: InstanceReport): void
  /** Another process announces itself under the name of this one. Once. */
  onNamesake(id: string): void
}

export interface FleetOptions {
  readonly live: LiveConfig
  readonly store: Store
  /** The name of this instance. */
  readonly instance: string
  readonly version: string
  readonly listener: FleetListener
  /** How often it is announced at least, and the others are read, in milliseconds. Default 1000. */
  readonly beatMs?: number
  /** At least so long between two announcements, in milliseconds. Default 20. */
  readonly gapMs?: number
  /** How long after its last announcement an instance counts as live, in milliseconds. Default 10,000. */
  readonly ttlMs?: number
  /** At least so long between two reloads because of a difference, in milliseconds. Default 30,000. */
  readonly reloadGapMs?: number
}

/** How long the start waits for the store, in milliseconds. */
const patienceMs = 300

export class Fleet implements SpreadWait {
  readonly #options: Required<FleetOptions>
  readonly #store: FleetStore | undefined
  readonly #report: () => InstanceReport
  readonly #announcer: Announcer
  readonly #watch: SpreadWatch
  readonly #mismatches = new Set<string>()
  #known: readonly InstanceReport[] = []
  #reloadedFor = ''
  #reloadedAt = Number.NEGATIVE_INFINITY
  #hasNamesake = false
  #timer: NodeJS.Timeout | undefined
  #beating: Promise<void> | undefined

  constructor(options: FleetOptions) {
    this.#options = { beatMs: 1000, gapMs: 20, ttlMs: 10_000, reloadGapMs: 30_000, ...options }
    const { live, store, instance, version, gapMs, ttlMs } = this.#options
    this.#store = isFleetStore(store) ? store : undefined
    this.#report = createReporter(live, instance, version)
    this.#announcer = new Announcer({ send: async () => this.#store?.announce(this.#report(), ttlMs), gapMs })
    this.#watch = new SpreadWatch({ ask: () => this.list(), self: this.#report, known: () => this.#known })
    live.on('applied', () => this.#announcer.touch())
    live.on('store', ({ up }) => {
      if (up) this.#announcer.touch()
    })
  }

  /**
   * Begins to announce. To be called after the first load and before traffic comes: whoever was not told of a write because this instance
   * was not known yet can rely on it having read the store since. A store that does not answer is not waited for.
   */
  async start(): Promise<void> {
    const { live, beatMs } = this.#options
    this.#timer = setInterval(() => this.#beat(), beatMs)
    if (this.#store === undefined || !live.storeState.up) return
    const known = this.#announcer.flush().then(() => live.catchUp())
    await within(patienceMs, 'the store takes its time', known).catch(() => undefined)
    this.#beat()
  }

  /** The reports that have not run out, by id; that of this instance is of now. @throws {StoreUnavailableError} */
  async list(): Promise<readonly InstanceReport[]> {
    const self = this.#report()
    const others = (await this.#store?.instances()) ?? []
    this.#known = [...others.filter(({ id }) => id !== self.id), self].sort((a, b) => (a.id < b.id ? -1 : 1))
    return this.#known
  }

  reach(written: WrittenItems, timeoutMs: number): Promise<Spread> {
    return this.#watch.wait(written, timeoutMs)
  }

  /** Says good-bye. The store is the caller's to close, after this. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([this.#announcer.close(), this.#beating])
    const { instance, live } = this.#options
    // A report that cannot be taken back runs out by itself.
    if (live.storeState.up) await this.#withdraw(instance).catch(() => undefined)
  }

  // Not what a successor of the same name has announced already.
  async #withdraw(instance: string): Promise<void> {
    const announced = (await this.#store?.instances())?.find(({ id }) => id === instance)
    if (announced?.boot === this.#report().boot) await this.#store?.withdraw(instance)
  }

  #beat(): void {
    this.#beating ??= this.#compare().finally(() => {
      this.#beating = undefined
    })
  }

  // A store that is away has said so: nothing to add here.
  async #compare(): Promise<void> {
    await this.#announcer.flush()
    const found = await this.#store?.instances().catch(() => undefined)
    if (found === undefined) return
    this.#known = found
    const self = this.#report()
    const others = found.filter(({ id }) => id !== self.id)
    this.#options.listener.onCount(others.length + 1)
    this.#checkName(found, self)
    this.#checkDigests(others, self)
  }

  #checkName(found: readonly InstanceReport[], self: InstanceReport): void {
    const hasNamesake = found.some(({ id, boot }) => id === self.id && boot !== self.boot)
    if (hasNamesake && !this.#hasNamesake) this.#options.listener.onNamesake(self.id)
    this.#hasNamesake = hasNamesake
  }

  #checkDigests(others: readonly InstanceReport[], self: InstanceReport): void {
    const differing = others.filter(other => isSameLife(other, self) && other.revision === self.revision && other.digest !== self.digest)
    const keys = differing.map(({ id, revision, digest }) => `${id} ${revision} ${digest} ${self.digest}`)
    for (const [index, other] of differing.entries())
      if (!this.#mismatches.has(keys[index]!)) this.#options.listener.onMismatch(other, self)
    this.#mismatches.clear()
    for (const key of keys) this.#mismatches.add(key)
    if (differing.length > 0) this.#reloadOnce(self)
  }

  // One of the two is wrong, and who cannot be told: each reads the store again, and a difference that stays is for a person.
  #reloadOnce({ revision, digest }: InstanceReport): void {
    const { live, reloadGapMs } = this.#options
    const held = `${revision} ${digest}`
    if (held === this.#reloadedFor || performance.now() - this.#reloadedAt < reloadGapMs) return
    this.#reloadedFor = held
    this.#reloadedAt = performance.now()
    live.reload().catch(() => undefined)
  }
}

function isFleetStore(store: Store): store is FleetStore {
  return 'announce' in store
}
