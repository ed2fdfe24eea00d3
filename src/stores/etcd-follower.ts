/** From the events of etcd to the notices of the store; edits by hand become commits on the way. */

import type { EtcdClient } from '../etcd/etcd-client.ts'
import { type EtcdEvent, openEtcdWatch } from '../etcd/etcd-watch.ts'
import { adopt, findSuspects, maxSuspects, type Suspect } from './etcd-adopt.ts'
import { readLogEntry, toCommit } from './etcd-codec.ts'
import type { EtcdSpace } from './etcd-space.ts'
import type { StoreLife } from './store-life.ts'
import { type Watcher, Watchers } from './watchers.ts'

/** How long after a failure, in milliseconds, and how often, it is tried again to make a commit of edits by hand. */
const retryMs = 500
const maxFailures = 20

export class EtcdFollower {
  readonly #client: EtcdClient
  readonly #space: EtcdSpace
  readonly #life: StoreLife
  readonly #by: string
  readonly #watchers = new Watchers()
  readonly #stateKnown = Promise.withResolvers<void>()
  /** By key, those that are still to be looked at. */
  readonly #suspects = new Map<string, Suspect>()
  #watch: { close(): Promise<void> } | undefined
  #isAdopting = false
  #failures = 0
  #retry: NodeJS.Timeout | undefined
  #closed = false

  constructor(client: EtcdClient, space: EtcdSpace, life: StoreLife, by: string) {
    this.#client = client
    this.#space = space
    this.#life = life
    this.#by = by
  }

  /** As `Store.watch`. */
  async watch(watcher: Watcher): Promise<void> {
    this.#watchers.add(watcher)
    if (this.#watch !== undefined && this.#watchers.state?.up) this.#watchers.notice()
    this.#watch ??= openEtcdWatch(this.#client, this.#space.keys.watched, {
      onWatching: isGapless => {
        this.#setUp()
        if (!isGapless) this.#suspectAll()
      },
      onLost: reason => {
        this.#watchers.setState({ up: false, reason })
        this.#stateKnown.resolve()
      },
      onEvents: events => this.#take(events)
    })
    await this.#stateKnown.promise
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#watchers.clear()
    this.#stateKnown.resolve()
    await this.#watch?.close()
  }

  #setUp(): void {
    this.#watchers.setState({ up: true })
    this.#watchers.notice()
    this.#stateKnown.resolve()
  }

  #take(events: readonly EtcdEvent[]): void {
    const { keys } = this.#space
    // What was written together with these is a commit of ours, or a part of one.
    const ours = new Set(events.flatMap(({ key, modRevision }) => (key === keys.head || key === keys.filling ? [modRevision] : [])))
    for (const event of events) {
      const suspect = ours.has(event.modRevision) ? undefined : keys.itemOf(event.key)
      if (suspect !== undefined) this.#suspects.set(event.key, suspect)
      else if (event.key === keys.head && event.deleted) this.#watchers.notice()
      else if (event.key.startsWith(keys.logs.from) && !event.deleted) this.#notice(event)
    }
    this.#adoptAll()
  }

  #notice({ value }: EtcdEvent): void {
    const entry = readLogEntry(value)
    const payload = entry?.payload
    const isOurs = payload !== undefined && this.#life.followsOn(entry!.epoch, entry!.revision - 1)
    this.#watchers.notice(isOurs ? toCommit(entry!, payload) : undefined)
  }

  #suspectAll(): void {
    findSuspects(this.#space).then(
      suspects => {
        for (const suspect of suspects) this.#suspects.set(this.#space.keys.item(suspect.kind, suspect.id), suspect)
        this.#adoptAll()
      },
      // Found when the watch begins anew.
      () => {}
    )
  }

  #adoptAll(): void {
    if (this.#isAdopting || this.#suspects.size === 0 || this.#closed) return
    const some = [...this.#suspects].slice(0, maxSuspects)
    for (const [key] of some) this.#suspects.delete(key)
    this.#isAdopting = true
    const edited = some.map(([, suspect]) => suspect)
    adopt(this.#space, edited, this.#by)
      .then(
        () => (this.#failures = 0),
        () => this.#tryLater(some)
      )
      .finally(() => {
        this.#isAdopting = false
        if (this.#failures === 0) this.#adoptAll()
      })
  }

  // When etcd is away it will be back. When it may only be read, another instance may be allowed more: it is left to that one.
  #tryLater(some: readonly (readonly [string, Suspect])[]): void {
    this.#failures += 1
    if (this.#closed || this.#failures > maxFailures) return this.#suspects.clear()
    for (const [key, suspect] of some) this.#suspects.set(key, suspect)
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.#adoptAll(), retryMs)
  }
}
