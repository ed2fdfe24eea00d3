import { type Kind, kinds } from '../core/change.ts'

/** The names of everything that a namespace keeps in Redis. One hash tag: in a cluster they all live in one slot, so one script may touch them. */
export interface RedisKeys {
  /** Integer; grows by 1 with every commit. */
  readonly revision: string
  /** Random text that identifies the life of the data. */
  readonly epoch: string
  /** Integer; the `seq` given out last. */
  readonly seq: string
  /** Hash `kind/id` -> seq. */
  readonly meta: string
  /** Stream of commits; the entry `<revision>-0` has the fields `commit` (JSON), `at` and `previous` (JSON: what was there before each change). */
  readonly log: string
  /** `<revision> <at>` of the newest commit. */
  readonly head: string
  /** Channel on which every commit is published as JSON. */
  readonly notices: string
  /** Set of the names of the instances. */
  readonly instances: string
  /** What the key of an instance's report begins with; the name follows. */
  readonly instance: string
  /** What the key of a count of admin calls begins with; the caller follows. */
  readonly adminCalls: string
  /** One hash per kind: id -> the item as JSON, as written. */
  readonly items: Readonly<Record<Kind, string>>
}

/** @param namespace see `namespacePattern`; it must not break out of the braces. */
export function redisKeys(namespace: string): RedisKeys {
  const key = (name: string): string => `{sluice:${namespace}}:${name}`
  return {
    revision: key('revision'),
    epoch: key('epoch'),
    seq: key('seq'),
    meta: key('meta'),
    log: key('log'),
    head: key('head'),
    notices: key('notices'),
    instances: key('instances'),
    instance: key('instance:'),
    adminCalls: key('admin-calls:'),
    items: Object.fromEntries(kinds.map(kind => [kind, key(kind)])) as Record<Kind, string>
  }
}

/** What a namespace may be called. */
export const namespacePattern = /^[A-Za-z0-9._-]{1,64}$/
