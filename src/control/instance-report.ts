/** What this instance says of itself to the others. */
import { randomUUID } from 'node:crypto'
import { ConfigState } from '../core/config-state.ts'
import type { InstanceReport } from '../core/store.ts'
import type { LiveConfig } from './live-config.ts'

/** How many items that cannot be live a report names, the latest first: it is written many times a second. */
const maxRejected = 100
const maxReasonLength = 200

/** Makes the reports of one process. */
export function createReporter(live: LiveConfig, id: string, version: string): () => InstanceReport {
  const boot = randomUUID()
  let state: ConfigState | undefined
  let rejected: InstanceReport['rejected'] = []
  return () => {
    const current = live.state ?? ConfigState.empty
    if (current !== state) {
      state = current
      rejected = rejectedBy(current)
    }
    const { revision, digest } = current
    const rollout = live.rollout?.report()
    return {
      ...{ id, version, revision, digest, epoch: live.liveSet?.epoch ?? '', boot, at: new Date().toISOString(), rejected },
      ...(rollout === undefined ? {} : { rollout })
    }
  }
}

function rejectedBy(state: ConfigState): InstanceReport['rejected'] {
  return state.problems
    .toSorted((a, b) => b.revision - a.revision)
    .slice(0, maxRejected)
    .map(({ kind, id, code, faults: [first] }) => {
      const reason = first === undefined ? code : `${first.pointer} ${first.detail}`.trim()
      return { kind, id, reason: reason.slice(0, maxReasonLength) }
    })
}
