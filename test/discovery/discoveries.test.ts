import t from 'tap'
import { parseItem } from '../../src/control/parse-item.ts'
import { ConfigState } from '../../src/core/config-state.ts'
import type { DiscoveredTarget } from '../../src/core/discovery.ts'
import type { Snapshot } from '../../src/core/snapshot.ts'
import { Discoveries, type DiscoveryConfig } from '../../src/discovery/discoveries.ts'
import type { SourceEvents } from '../../src/discovery/source.ts'

const a: DiscoveredTarget = { url: 'http://127.0.0.1:1', weight: 1 }
const b: DiscoveredTarget = { url: 'http://127.0.0.1:2', weight: 1 }

/** Services by id, each with the name that it is found by. */
function snapshotOf(names: Readonly<Record<string, string>>): Snapshot {
  const changes = Object.entries(names).map(([id, name], seq) => {
    return { op: 'put', kind: 'service', id, item: { discovery: { type: 'dns', name } }, seq } as const
  })
  return ConfigState.empty.apply({ revision: 1, changes }, parseItem).snapshot
}

function start(t: Tap) {
  const sources = new Map<string, SourceEvents>()
  const found: Record<string, string> = {}
  let config: DiscoveryConfig = { snapshot: undefined }
  const discoveries = new Discoveries({
    open: ({ name }, events) => {
      sources.set(name!, events)
      return { refresh: () => undefined, close: async () => void sources.delete(name!) }
    }
  })
  const live = {
    get snapshot() {
      return config.snapshot
    },
    get rollout() {
      return config.rollout
    }
  }
  discoveries.start(live, ({ id }, scope, targets) => {
    found[`${scope}/${id}`] = targets.map(({ url }) => url.slice(-1)).join('')
  })
  t.teardown(() => discoveries.close())
  const follow = (next: DiscoveryConfig): void => {
    config = next
    discoveries.follow()
  }
  return { found, follow, source: (name: string) => sources.get(name)!, open: () => [...sources.keys()] }
}

type Tap = Pick<typeof t, 'teardown'>

t.test('a rollout with the same block has what is found from its begin, and follows what changes', async t => {
  const { found, follow, source, open } = start(t)
  follow({ snapshot: snapshotOf({ s: 'x' }) })
  source('x').onTargets([a])
  follow({ snapshot: snapshotOf({ s: 'x' }), rollout: { id: 'go', candidate: snapshotOf({ s: 'x' }) } })
  t.same(found, { '/s': '1', 'go/s': '1' })
  source('x').onTargets([a, b])
  t.same(found, { '/s': '12', 'go/s': '12' })
  t.same(open(), ['x'], 'one source for both')
})

t.test('a rollout with another block has what is found now until the source of its own has answered', async t => {
  const { found, follow, source, open } = start(t)
  const [before, after] = [snapshotOf({ s: 'x' }), snapshotOf({ s: 'y' })]
  follow({ snapshot: before })
  source('x').onTargets([a])
  follow({ snapshot: before, rollout: { id: 'go', candidate: after } })
  t.same(found, { '/s': '1', 'go/s': '1' })
  source('y').onTargets([b])
  t.same(found, { '/s': '1', 'go/s': '2' })
  follow({ snapshot: after })
  t.same(found['/s'], '2', 'when it is through, everybody has it at once')
  t.same(open(), ['y'])
})

t.test('a rollout that is given up leaves what is found as it was', async t => {
  const { found, follow, source, open } = start(t)
  const before = snapshotOf({ s: 'x' })
  follow({ snapshot: before })
  source('x').onTargets([a])
  follow({ snapshot: before, rollout: { id: 'go', candidate: snapshotOf({ s: 'y' }) } })
  source('y').onTargets([b])
  follow({ snapshot: before })
  t.same(found['/s'], '1')
  t.same(open(), ['x'])
})

t.test('who comes while the source is away has what it named last', async t => {
  const { found, follow, source } = start(t)
  const before = snapshotOf({ s: 'x' })
  follow({ snapshot: before })
  source('x').onTargets([a])
  source('x').onTrouble(new Error('gone'))
  follow({ snapshot: snapshotOf({ s: 'x', other: 'x' }), rollout: { id: 'go', candidate: snapshotOf({ s: 'x' }) } })
  t.same(found, { '/s': '1', '/other': '1', 'go/s': '1' })
})
