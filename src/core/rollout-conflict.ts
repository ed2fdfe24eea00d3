/** What stands against a rollout that is running: whatever came between it and the state that it was made for. */
import type { Rollout, RolloutChange } from '../../schemas/rollout.ts'
import type { Kind } from './change.ts'
import type { ConfigState } from './config-state.ts'
import { digestText, emptyDigest, withItem } from './digest.ts'
import { keyOf } from './live-item.ts'
import type { Weights } from './ramp.ts'
import type { CompiledRule } from './route.ts'

interface ItemName {
  readonly kind: Kind
  readonly id: string
}

/** A digest of each item that is to be changed, by kind and id; null where there is none. */
export function basisOf(state: ConfigState, changes: readonly ItemName[]): Readonly<Record<string, string | null>> {
  return Object.fromEntries(changes.map(({ kind, id }) => [keyOf(kind, id), fingerprint(state, { kind, id })]))
}

// Without `seq`: a file may count its items anew.
function fingerprint(state: ConfigState, { kind, id }: ItemName): string | null {
  const held = state.held(kind, id)
  const item = held === undefined ? state.get(kind, id)?.written : held.stored.item
  return item === undefined && held === undefined ? null : digestText(withItem(emptyDigest, undefined, { kind, id, item, seq: 0 }))
}

/** Why the rollout cannot go on, for a person; undefined when it can. */
export function conflictOf(state: ConfigState, rollout: Rollout): string | undefined {
  if (rollout.ramp !== undefined) return rampConflict(state, rollout.ramp)
  const { changes = [], base = {} } = rollout
  const now = basisOf(state, changes)
  const other = changes.find(({ kind, id }) => now[keyOf(kind, id)] !== (base[keyOf(kind, id)] ?? null))
  if (other !== undefined) return `${nameOf(other)} was changed by somebody else`
  return changes.map(change => impossibility(state.candidate, change)).find(reason => reason !== undefined)
}

function impossibility(candidate: ConfigState | undefined, change: RolloutChange): string | undefined {
  const { op, kind, id } = change
  if (candidate === undefined) return undefined
  if (op === 'delete') {
    if (kind !== 'service' || !candidate.isOrphan(id)) return undefined
    return `${nameOf(change)} cannot be deleted any more: it is used by the rule '${candidate.rulesOf(id)[0]}'`
  }
  const refusal = candidate.held(kind, id)?.refusal
  if (refusal === undefined) return undefined
  const [fault] = refusal.faults
  return `${nameOf(change)} cannot be live any more: ${fault === undefined ? refusal.code : `${fault.pointer} ${fault.detail}`.trim()}`
}

function rampConflict(state: ConfigState, { rule, now }: { readonly rule: string; readonly now: Weights }): string | undefined {
  const weights = groupWeights(state, rule)
  if (weights === undefined) return `the group of the rule '${rule}' was changed by somebody else`
  const ids = new Set([...Object.keys(now), ...Object.keys(weights)])
  const other = [...ids].find(id => now[id] !== weights[id])
  if (other === undefined) return undefined
  if (now[other] === undefined) return `the rule '${other}' came into the group`
  return weights[other] === undefined
    ? `the rule '${other}' left the group`
    : `the weight of the rule '${other}' was changed by somebody else`
}

/**
 * The weights of all rules that share the match of `rule`, by id. Undefined when it is not live, not enabled or alone, when not all have a
 * weight, and when one of them is not live as it is stored: to write its weight would undo what is waiting.
 */
export function groupWeights(state: ConfigState, rule: string): Weights | undefined {
  const live = state.get('forward_rule', rule)
  if (live === undefined || !live.item.enabled) return undefined
  const members = state.snapshot.group(live.compiled.matchKey)
  const isSettled = ({ id, item }: CompiledRule) => item.weight !== undefined && state.held('forward_rule', id) === undefined
  if (members.length < 2 || !members.every(isSettled)) return undefined
  return Object.fromEntries(members.map(({ id, item }) => [id, item.weight!]))
}

function nameOf({ kind, id }: ItemName): string {
  return `the ${kind === 'forward_rule' ? 'rule' : kind} '${id}'`
}
