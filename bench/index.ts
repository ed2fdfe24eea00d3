/**
 * The route index alone: what a lookup costs with 100 and with 100,000 rules, what one change costs, how much memory a rule takes.
 * Each layout runs in a process of its own. Run: node bench/index.ts [layout]
 */
import { execFileSync } from 'node:child_process'
import type { ForwardRule } from '../schemas/forward-rule.ts'
import { compileRule } from '../src/core/compile-rule.ts'
import { RequestFacts } from '../src/core/facts.ts'
import { toMatchHost } from '../src/core/host.ts'
import { normalisePath } from '../src/core/path.ts'
import { type CompiledRule, drained } from '../src/core/route.ts'
import { Snapshot } from '../src/core/snapshot.ts'
import { re2Engine } from '../src/regex/re2.ts'

/** A way to write many rules, and a request for one of them. */
interface Layout {
  readonly name: string
  rule(index: number): Partial<ForwardRule>
  /** Host and path of a request that the rule takes. */
  request(index: number): readonly [host: string, path: string]
}

const layouts: readonly Layout[] = [
  {
    name: 'prefix',
    rule: index => ({ path: `/api/service-${index}` }),
    request: index => ['gateway.example.com', `/api/service-${index}/users/17`]
  },
  {
    name: 'exact',
    rule: index => ({ path: `/api/service-${index}/status`, path_type: 'exact' }),
    request: index => ['gateway.example.com', `/api/service-${index}/status`]
  },
  {
    name: 'template',
    rule: index => ({ path: `/api/service-${index}/users/{id}`, path_type: 'template' }),
    request: index => ['gateway.example.com', `/api/service-${index}/users/17`]
  },
  {
    name: 'host',
    rule: index => ({ path: '/api', host: [`tenant-${index}.example.com`] }),
    request: index => [`tenant-${index}.example.com`, '/api/users/17']
  },
  {
    name: 'mixed',
    rule: index => layouts[index % 4]!.rule(index),
    request: index => layouts[index % 4]!.request(index)
  }
]

function makeRule(layout: Layout, index: number): CompiledRule {
  const item: ForwardRule = {
    id: `rule-${index}`,
    description: '',
    labels: {},
    enabled: true,
    path: '/',
    path_type: 'prefix',
    priority: 0,
    strip_prefix: false,
    host_header: 'preserve',
    target_service: 'users',
    ...layout.rule(index)
  }
  const rule = compileRule(item, index, re2Engine)
  if ('action' in rule) return rule
  throw new Error(JSON.stringify(rule))
}

function makeSnapshot(layout: Layout, count: number): Snapshot {
  const addedRules = Array.from({ length: count }, (_, index) => makeRule(layout, index))
  return Snapshot.empty.with({ revision: 1, addedRules })
}

const rounds = 60
const lookups = 20_000

type Request = readonly [host: string, path: string]

/**
 * Requests for rules spread over all of them: each as likely (`uniform`, where nearly every lookup meets rules that no cache holds), or
 * the k-th most wanted with a likelihood of 1/k (`zipf`, as traffic is).
 */
function drawRequests(layout: Layout, count: number, spread: 'uniform' | 'zipf'): readonly Request[] {
  let seed = 1
  return Array.from({ length: 4096 }, () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    const chance = seed / 2 ** 32
    const rank = Math.floor(spread === 'uniform' ? chance * count : count ** chance - 1)
    // The most wanted rules do not stand side by side in memory.
    return layout.request((rank * 7919) % count)
  })
}

/** Nanoseconds per request: from the raw path and host to the route. */
function timeLookups(snapshot: Snapshot, requests: readonly Request[]): number {
  const begin = process.hrtime.bigint()
  for (let index = 0; index < lookups; index++) {
    const [host, path] = requests[index & 4095]!
    const facts = new RequestFacts('GET', normalisePath(path)!, '', toMatchHost(host), '192.0.2.1', {}, 0)
    const route = snapshot.match(facts)
    if (route === undefined || route === drained) throw new Error(`${host} ${path} has no route`)
  }
  return Number(process.hrtime.bigint() - begin) / lookups
}

/** What a lookup costs with few and with many rules, as text. */
function compareLookups(layout: Layout, small: Snapshot, large: Snapshot, spread: 'uniform' | 'zipf'): string {
  const smallRequests = drawRequests(layout, 100, spread)
  const largeRequests = drawRequests(layout, 100_000, spread)
  // The least of many short rounds: whatever else runs on the machine only adds.
  let [smallNs, largeNs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]
  for (let round = 0; round < rounds; round++) {
    smallNs = Math.min(smallNs, timeLookups(small, smallRequests))
    largeNs = Math.min(largeNs, timeLookups(large, largeRequests))
  }
  return `${spread} ${smallNs.toFixed(0)} -> ${largeNs.toFixed(0)} ns (${(largeNs / smallNs).toFixed(2)} x)`
}

/** Microseconds for one commit that replaces one rule. The worst of them met a garbage collection. */
function timeChanges(
  layout: Layout,
  start: Snapshot,
  count: number
): { readonly median: number; readonly p99: number; readonly worst: number } {
  const times: number[] = []
  let snapshot = start
  for (let index = 0; index < 2_000; index++) {
    const changed = (index * 7919) % count
    const rule = makeRule(layout, changed)
    const begin = process.hrtime.bigint()
    snapshot = snapshot.with({ revision: snapshot.revision + 1, removedRules: [rule], addedRules: [rule] })
    times.push(Number(process.hrtime.bigint() - begin) / 1000)
  }
  times.sort((a, b) => a - b)
  return { median: times[1_000]!, p99: times[1_980]!, worst: times.at(-1)! }
}

function heapUsed(): number {
  globalThis.gc?.()
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}

function run(layout: Layout): void {
  const before = heapUsed()
  const begin = performance.now()
  const large = makeSnapshot(layout, 100_000)
  const loadMs = performance.now() - begin
  const bytesPerRule = (heapUsed() - before) / 100_000
  const small = makeSnapshot(layout, 100)
  const change = timeChanges(layout, large, 100_000)
  console.log(
    `${layout.name.padEnd(9)} lookup with 100 -> 100,000 rules: ${compareLookups(layout, small, large, 'zipf')},`,
    `${compareLookups(layout, small, large, 'uniform')};`,
    `change ${change.median.toFixed(1)} µs, p99 ${change.p99.toFixed(1)} µs, worst ${(change.worst / 1000).toFixed(2)} ms; ${bytesPerRule.toFixed(0)} B per rule; all compiled in ${loadMs.toFixed(0)} ms`
  )
}

const wanted = layouts.filter(({ name }) => process.argv[2] === undefined || process.argv[2] === name)
if (globalThis.gc !== undefined) for (const layout of wanted) run(layout)
else for (const { name } of wanted) execFileSync(process.execPath, ['--expose-gc', import.meta.filename, name], { stdio: 'inherit' })
