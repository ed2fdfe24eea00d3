/** Real processes under constant load: a Redis, gateways that share it, targets. What a fault is let loose in. */
import { Redis } from 'ioredis'
import type { Change } from '../../src/core/change.ts'
import { openRedisStore } from '../../src/stores/redis-store.ts'
import { startEcho } from '../../test/helpers/echo.ts'
import type { Teardown } from '../../test/helpers/gateway.ts'
import { startLoad } from '../../test/helpers/load.ts'
import { type RedisServer, startRedis } from '../../test/helpers/redis.ts'
import type { Bars, Finding } from './finding.ts'
import { watchHealth } from './health-watch.ts'
import { Member } from './members.ts'
import { ruleId, type Target, Versions, versionOf } from './versions.ts'
import { type Written, write } from './writing.ts'

export interface LabOptions {
  /** How many gateways there are. Default 2. */
  readonly gateways?: number
  /** Requests per second to each gateway. Default 100. */
  readonly perSecond?: number
}

export class Lab {
  /** Ends with it. */
  readonly t: Teardown
  readonly redis: RedisServer
  readonly members: readonly Member[]
  readonly versions: Versions
  readonly #perSecond: number

  private constructor(t: Teardown, redis: RedisServer, members: readonly Member[], targets: readonly Target[], perSecond: number) {
    this.t = t
    this.redis = redis
    this.members = members
    this.versions = new Versions(targets)
    this.#perSecond = perSecond
  }

  /** Everything runs, and every gateway follows the first version. Gone at teardown. */
  static async start(t: Teardown, { gateways = 2, perSecond = 100 }: LabOptions = {}): Promise<Lab> {
    const redis = await startRedis(t)
    const names = ['one', 'two', 'three']
    const targets = await Promise.all(names.map(async name => ({ name, url: await startEcho(t, name) })))
    const members = await Promise.all(Array.from({ length: gateways }, (_, at) => Member.create(t, `gateway-${at + 1}`, redis.port)))
    const lab = new Lab(t, redis, members, targets, perSecond)
    await Promise.all(members.map(member => member.start()))
    await lab.follow((await lab.write(0)).version)
    return lab
  }

  /** Writes the next version through the gateway at `at`. Never rejects. */
  write(at: number): Promise<Written> {
    return write(this.members[at]!, this.versions)
  }

  /** Writes the next version as yet another instance would, past the gateways and their wires. */
  async writeElsewhere(): Promise<number> {
    const { version, item } = this.versions.next()
    await this.commitElsewhere([{ op: 'put', kind: 'forward_rule', id: ruleId, item }])
    return version
  }

  /** Commits as yet another instance would. */
  async commitElsewhere(changes: readonly Change[]): Promise<void> {
    const store = openRedisStore({ url: this.redis.url, namespace: 'default', name: 'elsewhere' })
    try {
      await store.commit(changes, 'elsewhere')
    } finally {
      await store.close()
    }
  }

  /** Talks to Redis as a person with `redis-cli` does. */
  async byHand<T>(what: (redis: Redis) => Promise<T>): Promise<T> {
    const redis = new Redis(this.redis.url)
    try {
      return await what(redis)
    } finally {
      redis.disconnect()
    }
  }

  /**
   * Resolves once a request through each of `members` has followed `version` or a newer one, with the milliseconds that took.
   * @throws {Error} after 30 s
   */
  async follow(version: number, members: readonly Member[] = this.members): Promise<number> {
    const begin = performance.now()
    await Promise.all(members.map(member => this.#followOne(member, version, begin + 30_000)))
    return performance.now() - begin
  }

  async #followOne(member: Member, version: number, deadline: number): Promise<void> {
    for (;;) {
      const response = await fetch(member.proxyUrl)
      const followed = versionOf({ status: response.status, body: await response.text() })
      if (followed !== undefined && followed >= version) return
      if (performance.now() > deadline) throw new Error(`${member.name} follows version ${followed}, not ${version}`)
      await new Promise(resolve => setTimeout(resolve, 2))
    }
  }

  /** Notes whether all gateways hold the same configuration at the same revision. */
  async compare(bars: Bars): Promise<void> {
    const held = await Promise.all(this.members.map(({ gateway }) => gateway.admin<unknown>('GET', '/config')))
    const texts = new Set(held.map(({ body, headers }) => JSON.stringify([headers.get('sluice-revision'), body])))
    bars.that('all gateways hold the same configuration', texts.size === 1, `${texts.size} different ones`)
  }

  /** Load on `members`, and an ear on what they say of their health, until `end`. */
  observe(members: readonly Member[] = this.members): Observation {
    return new Observation(members, this.versions, this.#perSecond)
  }
}

/** What was seen between its start and its end. */
export class Observation {
  readonly #loads: readonly ReturnType<typeof startLoad>[]
  readonly #watches: readonly ReturnType<typeof watchHealth>[]
  readonly #members: readonly Member[]

  constructor(members: readonly Member[], versions: Versions, perSecond: number) {
    this.#members = members
    this.#watches = members.map(({ gateway }) => watchHealth(() => gateway.adminUrl))
    this.#loads = members.map(({ name, proxyUrl }) =>
      startLoad({
        url: proxyUrl,
        perSecond,
        mark: () => ({ version: versions.mark(name), ms: performance.now() }),
        judge: (answer, began) => {
          const { version, ms } = began as { version: number; ms: number }
          return versions.judge(name, answer, version) ?? (performance.now() - ms > 2_000 ? 'slower than 2 s' : undefined)
        }
      })
    )
  }

  /** Milliseconds from the start until the health of the gateway at `at` first said something that `pattern` finds. */
  healthMs(at: number, pattern: RegExp): number | undefined {
    return this.#watches[at]!.firstMs(pattern)
  }

  /** Ends it. What went wrong with requests is a promise that did not hold. */
  async end(bars: Bars): Promise<Pick<Finding, 'requests' | 'failed' | 'health'>> {
    const results = await Promise.all(this.#loads.map(load => load.stop()))
    await Promise.all(this.#watches.map(watch => watch.stop()))
    bars.that(
      '/health says UP in the end',
      this.#watches.every(watch => watch.said.at(-1) === 'UP'),
      this.#health()
    )
    const failed: Record<string, number> = {}
    for (const result of results)
      for (const [reason, count] of Object.entries(result.failed)) failed[reason] = (failed[reason] ?? 0) + count
    bars.that('no request failed', Object.keys(failed).length === 0, failed)
    return { requests: results.reduce((sum, { sent }) => sum + sent, 0), failed, health: this.#health() }
  }

  // Once, when all said the same.
  #health(): string {
    const said = this.#watches.map(watch => watch.said.join(' → '))
    if (new Set(said).size === 1) return said[0]!
    return said.map((text, at) => `${this.#members[at]!.name}: ${text}`).join('; ')
  }
}
