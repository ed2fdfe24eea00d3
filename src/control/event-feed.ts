/** What happens to this instance, as events for whoever listens: `GET /events`. */
import type { CommittedChange } from '../core/change.ts'
import { keyOf, type Quarantined } from '../core/live-item.ts'
import { isStored } from './item-plans.ts'
import type { LiveConfig } from './live-config.ts'
import type { Applied } from './live-events.ts'
import { type RevisionSummary, toRevisionSummary } from './revision-view.ts'

/** One event. */
export interface FeedEvent {
  /** `commit`, `resync`, `store`, `quarantine` and what others publish. */
  readonly event: string
  /** What goes out, as JSON. */
  readonly data: object
  /** The revision that it brought, if it brought one: a reader that comes back says which it saw last. */
  readonly revision?: number
}

/** An event names so many changed items at most: a commit may change 100,000. */
const maxChanges = 1000
const maxProblems = 100
const maxFaults = 5

export class EventFeed {
  readonly #readers = new Set<(event: FeedEvent) => void>()

  constructor(live: LiveConfig) {
    live.on('applied', applied => {
      if (this.#readers.size > 0) for (const event of eventsOf(applied)) this.publish(event)
    })
    live.on('store', ({ up, reason }) => this.publish(storeEvent(up ? 'UP' : 'DOWN', up ? undefined : reason)))
    live.on('estranged', reason => this.publish(storeEvent(reason === undefined ? 'UP' : 'ESTRANGED', reason)))
  }

  /** How many listen. */
  get readers(): number {
    return this.#readers.size
  }

  /** Tells everybody who listens now. */
  publish(event: FeedEvent): void {
    for (const read of this.#readers) read(event)
  }

  /** Calls `read` for every event from now on. @returns how to end it */
  subscribe(read: (event: FeedEvent) => void): () => void {
    this.#readers.add(read)
    return () => void this.#readers.delete(read)
  }
}

/** A commit that this instance follows. */
export function commitEvent({ revision, at, by, changes }: RevisionSummary, source: Applied['source']): FeedEvent {
  const listed = changes.slice(0, maxChanges)
  return { event: 'commit', data: { revision, at, by, source, total: changes.length, changes: listed }, revision }
}

/** More happened than can be told commit by commit: read the configuration anew. */
export function resyncEvent(revision: number, source: Applied['source']): FeedEvent {
  return { event: 'resync', data: { revision, at: now(), source }, revision }
}

function eventsOf({ revision, commit, before, state, source }: Applied): FeedEvent[] {
  const applied =
    commit === undefined
      ? resyncEvent(revision, source)
      : commitEvent(toRevisionSummary({ ...commit, changes: commit.changes.map(change => withPrevious(change, before)) }), source)
  const quarantine = quarantineEvent(before?.problems ?? [], state.problems, revision)
  return quarantine === undefined ? [applied] : [applied, quarantine]
}

function withPrevious(change: CommittedChange, before: Applied['before']): CommittedChange {
  const { kind, id } = change
  if (before === undefined || !isStored(before, { kind, id })) return { ...change, previous: null }
  const held = before.held(kind, id)
  const live = before.get(kind, id)
  return { ...change, previous: { item: held === undefined ? live?.written : held.stored.item, seq: 0 } }
}

/** Undefined when nothing was held back or let go. */
function quarantineEvent(before: readonly Quarantined[], after: readonly Quarantined[], revision: number): FeedEvent | undefined {
  const was = new Map(before.map(problem => [keyOf(problem.kind, problem.id), toText(problem)]))
  const is = new Set(after.map(({ kind, id }) => keyOf(kind, id)))
  const items = after.filter(problem => was.get(keyOf(problem.kind, problem.id)) !== toText(problem))
  const released = before.filter(({ kind, id }) => !is.has(keyOf(kind, id)))
  if (items.length === 0 && released.length === 0) return undefined
  const data = {
    revision,
    at: now(),
    total: items.length,
    items: items.slice(0, maxProblems).map(({ kind, id, code, faults, previousLive }) => {
      return { kind, id, code, errors: faults.slice(0, maxFaults), previous_live: previousLive }
    }),
    released: released.slice(0, maxChanges).map(({ kind, id }) => ({ kind, id }))
  }
  return { event: 'quarantine', data }
}

function toText({ code, faults }: Quarantined): string {
  return JSON.stringify([code, faults])
}

function storeEvent(status: 'UP' | 'DOWN' | 'ESTRANGED', reason: string | undefined): FeedEvent {
  return { event: 'store', data: { status, at: now(), ...(reason === undefined ? {} : { reason }) } }
}

function now(): string {
  return new Date().toISOString()
}
