/** Whole configurations as documents (`{forward_rules: [], services: []}`): read, written out, compared with what is live. */
import { collections, type DocumentKind, documentKinds, isDocumentKind, type Kind } from '../core/change.ts'
import { ConfigState } from '../core/config-state.ts'
import { failedTests } from '../core/expectations.ts'
import type { ItemParser } from '../core/live-item.ts'
import { isOverlay } from '../core/overlay.ts'
import { ValidationError, withFaults } from '../errors.ts'
import { changesKeys } from './api-keys.ts'
import { differences, type ItemRef } from './config-diff.ts'
import { changesDiscoverySecrets } from './discovery-secrets.ts'
import { isRecord } from './is-record.ts'
import { idPattern } from './item-kinds.ts'
import { putChange } from './item-plans.ts'
import { withKeptKey } from './kept-key.ts'
import type { Plan, PlannedChange } from './planned-change.ts'
import { escapePointer } from './schema-faults.ts'

/** An item of a document, and where it stands in it. */
export interface DocumentItem extends ItemRef {
  /** Place in its list. */
  readonly index: number
  /** `/forward_rules/3` */
  readonly pointer: string
  readonly item: Readonly<Record<string, unknown>>
}

/** Something wrong with a document. The first three are null when it is not about an item, the id also when the item has none. */
export interface DocumentProblem {
  readonly kind: Kind | null
  readonly id: string | null
  readonly index: number | null
  readonly pointer: string
  readonly detail: string
}

export interface ReadDocument {
  readonly items: readonly DocumentItem[]
  readonly problems: readonly DocumentProblem[]
}

/** Takes a document apart. Items without a usable id of their own, or whose id was there before, are problems and not among the items. */
export function readDocument(document: unknown): ReadDocument {
  if (!isRecord(document)) return { items: [], problems: [ofDocument('', 'must be an object')] }
  const known: readonly string[] = Object.values(collections)
  const problems: DocumentProblem[] = Object.keys(document)
    .filter(key => !known.includes(key))
    .map(key => ofDocument(`/${escapePointer(key)}`, `is not a known collection; there are ${known.join(', ')}`))
  const items: DocumentItem[] = []
  for (const kind of documentKinds) {
    const list = document[collections[kind]]
    // A YAML file with nothing below `services:` says null.
    if (list === undefined || list === null) continue
    if (!Array.isArray(list)) problems.push(ofDocument(`/${collections[kind]}`, 'must be a list'))
    else readList(kind, list, items, problems)
  }
  return { items, problems }
}

function readList(kind: DocumentKind, list: readonly unknown[], items: DocumentItem[], problems: DocumentProblem[]): void {
  const firstOf = new Map<string, string>()
  for (const [index, item] of list.entries()) {
    const pointer = `/${collections[kind]}/${index}`
    const id = isRecord(item) && typeof item.id === 'string' ? item.id : null
    const refuse = (below: string, detail: string) => problems.push({ kind, id, index, pointer: pointer + below, detail })
    if (!isRecord(item)) refuse('', 'must be an object')
    else if (id === null) refuse('/id', item.id === undefined ? 'is required' : 'must be string')
    else if (!idPattern.test(id)) refuse('/id', 'must be 1-64 of a-z A-Z 0-9 . _ -')
    else if (firstOf.has(id)) refuse('/id', `is the id of ${firstOf.get(id)} as well`)
    else {
      firstOf.set(id, pointer)
      items.push({ kind, id, index, pointer, item })
    }
  }
}

/** The items of a document that is written as it is. @throws {ValidationError} with everything that is wrong with its structure */
export function itemsOf(document: unknown): readonly DocumentItem[] {
  const { items, problems } = readDocument(document)
  const [first] = problems
  if (first === undefined) return items
  const faults = problems.slice(0, 50).map(({ pointer, detail }) => ({ pointer, detail }))
  throw withFaults(new ValidationError(`${first.pointer === '' ? 'The body' : first.pointer} ${first.detail}`), faults)
}

/**
 * Brings the configuration to what the document says: puts what differs in canonical form and, with `prune`, deletes what is not
 * listed. An item in quarantine is always put: what is live is not what the store holds.
 */
export function syncPlan(items: readonly DocumentItem[], prune: boolean, parse: ItemParser): Plan {
  return state => {
    const puts = items
      .filter(item => state.held(item.kind, item.id) !== undefined || !isLiveAs(state, item, parse))
      .map(({ kind, id, item, pointer }) => putChange({ kind, id }, item, pointer))
    return prune ? [...puts, ...deletions(state, items)] : puts
  }
}

function isLiveAs(state: ConfigState, { kind, id, item: sent }: DocumentItem, parse: ItemParser): boolean {
  const live = state.get(kind, id)
  if (live === undefined) return false
  const item = withKeptKey(state, { kind, id }, sent)
  if (differences(live.written, item).length === 0) return true
  if (kind === 'service' && changesDiscoverySecrets(live.written, item)) return false
  if (kind === 'client' && changesKeys(live.written, item)) return false
  const parsed = parse({ kind, id, item, seq: live.seq })
  return !parsed.refused && differences(live.item, parsed.item).length === 0
}

function deletions(state: ConfigState, items: readonly DocumentItem[]): PlannedChange[] {
  const listed = new Set(items.map(({ kind, id }) => `${kind}/${id}`))
  return [...state.known()]
    .filter(({ kind, id }) => isDocumentKind(kind) && !listed.has(`${kind}/${id}`))
    .map(({ kind, id }) => ({ change: { op: 'delete', kind, id }, pointer: '' }))
}

/**
 * Everything that would be wrong if the document replaced the whole configuration, failing tests of rules among it.
 * @param state says which items are older than others
 * @param now milliseconds since the epoch, for tests that do not say when
 */
export function problemsOf(document: unknown, state: ConfigState | undefined, parse: ItemParser, now: number): DocumentProblem[] {
  const { items, problems } = readDocument(document)
  const newest = Number.MAX_SAFE_INTEGER - items.length
  const changes = items.map(({ kind, id, item, index }) => {
    const whole = state === undefined ? item : withKeptKey(state, { kind, id }, item)
    return { op: 'put' as const, kind, id, item: whole, seq: state?.get(kind, id)?.seq ?? newest + index }
  })
  const replaced = ConfigState.empty.apply({ revision: 1, changes }, parse)
  const found = items.flatMap(({ kind, id, index, pointer }) =>
    (replaced.held(kind, id)?.refusal.faults ?? []).map(fault => ({
      kind,
      id,
      index,
      pointer: pointer + fault.pointer,
      detail: fault.detail
    }))
  )
  return [...problems, ...found, ...failuresOf(replaced, items, now)]
}

function failuresOf(state: ConfigState, items: readonly DocumentItem[], now: number): DocumentProblem[] {
  const failed = failedTests(state, now)
  if (failed.length === 0) return []
  const rules = new Map(items.filter(({ kind }) => kind === 'forward_rule').map(item => [item.id, item]))
  return failed.map(({ rule, index: test, detail }) => {
    const { kind, id, index, pointer } = rules.get(rule.id)!
    return { kind, id, index, pointer: `${pointer}/tests/${test}`, detail }
  })
}

/** The live configuration as a document, oldest items first. */
export function toDocument(state: ConfigState): Record<string, readonly unknown[]> {
  // The others only where there are some: most configurations have none.
  const written: readonly DocumentKind[] = [
    'forward_rule',
    'service',
    ...(['certificate', 'tier', 'client'] as const).filter(kind => state.count(kind) > 0)
  ]
  return Object.fromEntries(
    written.map(kind => [
      collections[kind],
      state
        .list(kind)
        .filter(live => !isOverlay(live))
        .map(live => live.item)
    ])
  )
}

function ofDocument(pointer: string, detail: string): DocumentProblem {
  return { kind: null, id: null, index: null, pointer, detail }
}
