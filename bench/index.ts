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

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

/** Nanoseconds per request: from the raw path and host to the route. */
function timeLookups(snapshot: Snapshot, layout: Layout, count: number): number {
  const targets = Array.from({ length: 4096 }, (_, index) => layout.request((Math.imul(index, 0x9e3779b1) >>> 0) % count))
  const begin = process.hrtime.bigint()
  for (let index = 0; index < lookups; index++) {
    const [host, path] = targets[index & 4095]!
    const facts = new RequestFacts('GET', normalisePath(path)!, '', toMatchHost(host), '192.0.2.1', {}, 0)
    const route = snapshot.match(facts)
    if (route === undefined || route === drained) throw new Error(`${host} ${path} has no route`)
  }
  return Number(process.hrtime.bigint() - begin) / lookups
}

/** Microseconds for one commit that replaces one rule: the median and the worst. */
function timeChanges(layout: Layout, start: Snapshot, count: number): { readonly median: number; readonly worst: number } {
  const times: number[] = []
  let snapshot = start
  for (let index = 0; index < 2_000; index++) {
    const changed = (index * 7919) % count
    const rule = makeRule(layout, changed)
    const begin = process.hrtime.bigint()
    snapshot = snapshot.with({ revision: snapshot.revision + 1, removedRules: [rule], addedRules: [rule] })
    times.push(Number(process.hrtime.bigint() - begin) / 1000)
  }
  return { median: median(times), worst: Math.max(...times) }
}

function heapUsed(): number {
  if (globalThis.gc === undefined) throw new Error('run with --expose-gc')
  globalThis.gc()
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

function run(layout: Layout): void {
  const before = heapUsed()
  const begin = performance.now()
  const large = makeSnapshot(layout, 100_000)
  const loadMs = performance.now() - begin
  const bytesPerRule = (heapUsed() - before) / 100_000
  const small = makeSnapshot(layout, 100)
  const times: { small: number[]; large: number[] } = { small: [], large: [] }
  for (let round = 0; round < rounds; round++) {
    times.small.push(timeLookups(small, layout, 100))
    times.large.push(timeLookups(large, layout, 100_000))
  }
  // Whatever else runs on the machine only adds.
  const [smallNs, largeNs] = [Math.min(...times.small), Math.min(...times.large)]
  const change = timeChanges(layout, large, 100_000)
  console.log(
    `${layout.name.padEnd(9)} lookup ${smallNs.toFixed(0)} ns with 100 rules, ${largeNs.toFixed(0)} ns with 100,000 (${(largeNs / smallNs).toFixed(2)} x);`,
    `change ${change.median.toFixed(1)} µs, worst ${(change.worst / 1000).toFixed(2)} ms; ${bytesPerRule.toFixed(0)} B per rule; all compiled in ${loadMs.toFixed(0)} ms`
  )
}

const chosen = layouts.find(({ name }) => name === process.argv[2])
if (chosen !== undefined) run(chosen)
else for (const { name } of layouts) execFileSync(process.execPath, ['--expose-gc', import.meta.filename, name], { stdio: 'inherit' })
