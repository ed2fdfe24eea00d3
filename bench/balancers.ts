/**
 * `npm run bench:balancers`: what each balancer does with one slow target. The balancers are the real ones, time is simulated, so the figures
 * are the same on every machine. Writes the table into `docs/services.md` and the picture beside it; `--print` only shows the table.
 */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type BalancerName, balancerNames } from '../schemas/service.ts'
import { createBalancer } from '../src/core/balancers.ts'
import { compileService } from '../src/core/compile-service.ts'
import { RequestFacts } from '../src/core/facts.ts'
import type { CompiledService } from '../src/core/route.ts'
import { type Candidate, type TargetOwner, TargetState } from '../src/core/target-state.ts'
import { seededRandom } from '../test/core/balance/simulate.ts'
import { quantile } from '../test/helpers/load.ts'
import { toSvg } from './harness/bars.ts'
import { writeTable } from './harness/docs.ts'
import { simulate } from './harness/simulated-targets.ts'

const picture = fileURLToPath(new URL('../docs/balancers.svg', import.meta.url))

/** Five targets that answer in 10 ms on average, but for the last, which takes ten times as long. */
const meansMs = [10, 10, 10, 10, 100]
const slow = meansMs.length - 1
const load = { meansMs, workers: 32, perSecond: 1_000, requests: 200_000 }
const clients = 2_000

interface Result {
  readonly name: BalancerName
  /** Of all requests, what the slow target got: 0 to 1. */
  readonly slowShare: number
  readonly meanMs: number
  readonly p50Ms: number
  readonly p99Ms: number
}

function compile(algorithm: BalancerName): CompiledService {
  const targets = meansMs.map((_, at) => ({ url: `http://10.0.0.${at + 1}:8080`, weight: 1, labels: {} }))
  const compiled = compileService({ id: 's', description: '', labels: {}, targets, balancer: { algorithm } })
  if ('targets' in compiled) return compiled
  throw new Error(JSON.stringify(compiled))
}

function measure(name: BalancerName): Result {
  const random = seededRandom(7)
  const service = compile(name)
  let nowMs = 0
  const balancer = createBalancer(service, { now: () => nowMs, random: seededRandom(8) })
  const owner: TargetOwner = { now: () => nowMs, observer: balancer.observer, verdictChanged: () => undefined }
  const candidates: Candidate[] = service.targets.map(target => ({ target, state: new TargetState(target.url, owner) }))
  const people = Array.from({ length: clients }, (_, at) => factsOf(`10.1.${at >> 8}.${at & 255}`))
  const outcomes = simulate({
    ...load,
    random,
    pick: atMs => {
      nowMs = atMs
      const picked = balancer.pick(candidates, people[Math.floor(random() * clients)]!)
      picked.state.begin()
      return candidates.indexOf(picked)
    },
    end: (target, atMs, beganMs) => {
      nowMs = atMs
      candidates[target]!.state.end(200, undefined, atMs - beganMs, beganMs)
    }
  })
  const times = outcomes.map(({ ms }) => ms).sort((a, b) => a - b)
  return {
    name,
    slowShare: outcomes.filter(({ target }) => target === slow).length / outcomes.length,
    meanMs: times.reduce((sum, ms) => sum + ms, 0) / times.length,
    p50Ms: quantile(times, 0.5),
    p99Ms: quantile(times, 0.99)
  }
}

function factsOf(ip: string): RequestFacts {
  return new RequestFacts('GET', { match: '/', forward: '/' }, '', 'h', ip, {}, 0)
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`

function toTable(results: readonly Result[]): string {
  const rows = results.map(
    ({ name, slowShare, meanMs, p50Ms, p99Ms }) =>
      `| \`${name}\` | ${percent(slowShare)} | ${meanMs.toFixed(1)} | ${p50Ms.toFixed(1)} | ${p99Ms.toFixed(0)} |`
  )
  return ['| balancer | the slow one gets | mean ms | p50 ms | p99 ms |', '|---|---|---|---|---|', ...rows].join('\n')
}

function toPicture(results: readonly Result[]): string {
  return toSvg([
    {
      title: 'Requests that the slow target gets (an equal share is 20 %)',
      bars: results.map(({ name, slowShare }) => ({ label: name, value: slowShare, text: percent(slowShare) }))
    },
    {
      title: 'Response time, 99th percentile',
      bars: results.map(({ name, p99Ms }) => ({ label: name, value: p99Ms, text: `${p99Ms.toFixed(0)} ms` }))
    }
  ])
}

const { values } = parseArgs({ options: { print: { type: 'boolean', default: false } } })
const results = balancerNames.map(measure)
const table = toTable(results)
console.log(table)
if (!values.print) {
  writeTable('services.md', 'balancers', table)
  writeFileSync(picture, toPicture(results))
}
