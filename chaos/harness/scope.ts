/** What is to be undone at the end, last first: stands in for a tap test where there is none. */
import type { Teardown } from '../../test/helpers/gateway.ts'

export interface Scope extends Teardown {
  /** Undoes everything. Safe to call twice. */
  close(): Promise<void>
}

export function createScope(): Scope {
  const undo: (() => unknown)[] = []
  return {
    teardown: handler => void undo.push(handler),
    async close() {
      for (let next = undo.pop(); next !== undefined; next = undo.pop()) await next()
    }
  }
}
