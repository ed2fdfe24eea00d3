/** What every source of targets keeps to. A source's own test is one call. */
import { EventEmitter, once } from 'node:events'
import type { Test } from 'tap'
import t from 'tap'
import type { Discovery } from '../../schemas/discovery.ts'
import type { DiscoveredTarget } from '../../src/core/discovery.ts'
import { openSource } from '../../src/discovery/open-source.ts'

/** A registry that the test rules. */
export interface Registry {
  readonly discovery: Discovery
  /** Makes `127.0.0.1` with these ports all there is. */
  register(...ports: readonly number[]): Promise<void>
  kill(): Promise<void>
  restart(): Promise<void>
}

/** What a source has told, in order. */
export class Told {
  readonly #events = new EventEmitter()
  latest: readonly DiscoveredTarget[] | undefined
  /** The ports of each list, in order. */
  readonly lists: string[][] = []
  troubles = 0

  readonly onTargets = (targets: readonly DiscoveredTarget[]): void => {
    this.latest = [...targets].sort((a, b) => (a.url < b.url ? -1 : 1))
    this.lists.push(this.latest.map(({ url }) => new URL(url).port))
    this.#events.emit('told')
  }

  readonly onTrouble = (): void => {
    this.troubles++
    this.#events.emit('told')
  }

  /** Resolves once `test` holds; with how long that took, in milliseconds. */
  async until(test: () => boolean): Promise<number> {
    const from = performance.now()
    while (!test()) await once(this.#events, 'told')
    return performance.now() - from
  }

  /** Resolves once exactly these ports are told. */
  ports(...ports: readonly number[]): Promise<number> {
    return this.until(() => this.latest !== undefined && this.latest.map(({ url }) => Number(new URL(url).port)).join() === ports.join())
  }
}

export function follow(t: Test, discovery: Discovery): Told & { refresh(): void } {
  const told = new Told()
  const source = openSource(discovery, told)
  t.teardown(() => source.close())
  return Object.assign(told, { refresh: () => source.refresh() })
}

export function sourceContract(name: string, start: (t: Test) => Promise<Registry>): void {
  t.test(`${name}: targets that come and go are told`, async t => {
    const registry = await start(t)
    await registry.register(8001)
    const told = follow(t, registry.discovery)
    await told.ports(8001)
    t.match(told.latest, [{ url: 'http://127.0.0.1:8001', weight: 1 }])
    await registry.register(8001, 8002)
    t.comment(`registered: ${Math.round(await told.ports(8001, 8002))} ms`)
    await registry.register(8002)
    t.comment(`deregistered: ${Math.round(await told.ports(8002))} ms`)
    t.equal(told.troubles, 0)
  })

  t.test(`${name}: a server that dies is trouble, never an empty list, and is followed again when it is back`, async t => {
    const registry = await start(t)
    await registry.register(8001)
    const told = follow(t, registry.discovery)
    await told.ports(8001)
    await registry.kill()
    await told.until(() => told.troubles > 1)
    t.equal(told.latest?.length, 1)
    await registry.restart()
    await registry.register(8003)
    t.comment(`followed again: ${Math.round(await told.ports(8003))} ms`)
    t.equal(told.latest?.length, 1)
  })

  t.test(`${name}: none is told as none, at once when asked`, async t => {
    const registry = await start(t)
    await registry.register(8001)
    const told = follow(t, registry.discovery)
    await told.ports(8001)
    await registry.register()
    told.refresh()
    await told.ports()
    t.same(told.latest, [])
  })
}
