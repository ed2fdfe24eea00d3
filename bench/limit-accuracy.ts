/**
 * `npm run bench:limit-accuracy`: four gateways and a Redis, two hundred clients that hammer one key for 30 s. What came through, against what the
 * limit says; the clock of one gateway is an hour ahead. Writes the table of docs/rate-limits.md. `--seconds 5` for a quick look.
 */
import { parseArgs } from 'node:util'
import { maxOvershoot } from '../src/core/limit/lease-bounds.ts'
import { writeTable } from './harness/docs.ts'
import { startLimitFleet } from './harness/limit-fleet.ts'

const instances = 4
const clients = 200

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '30' }, print: { type: 'boolean', default: false } } })
const seconds = Number(values.seconds)

interface Case {
  readonly name: string
  readonly limit: Record<string, unknown>
  /** What may come through in so many seconds, at least and at most by the definition; the window that runs is not known. */
  readonly definition: (seconds: number) => readonly [least: number, most: number]
  readonly overshoot: number
}

const bucket = { limit: 200, windowMs: 1_000, burst: 200, maxDelayMs: 0 }
const quota = 2_000
const whole = { limit: quota, window_ms: 2_600_000_000, key: 'rule' }
const perSecond = (s: number) => [Math.floor(200 + 200 * (s - 0.25)), Math.ceil(200 + 200 * (s + 0.25))] as const
const windows = (s: number) => [200 * Math.floor(s), 200 * (Math.ceil(s) + 1)] as const

const cases: readonly Case[] = [
  { name: 'exact, token_bucket, 2,000 in all', limit: { ...whole, mode: 'exact' }, definition: () => [quota, quota], overshoot: 0 },
  {
    name: 'exact, sliding_log, 2,000 in all',
    limit: { ...whole, algorithm: 'sliding_log' },
    definition: () => [quota, quota],
    overshoot: 0
  },
  {
    name: 'exact, fixed_window, 2,000 in all',
    limit: { ...whole, algorithm: 'fixed_window', mode: 'exact' },
    definition: () => [quota, quota],
    overshoot: 0
  },
  { name: 'exact, token_bucket, 200/s', limit: { limit: 200, key: 'rule', mode: 'exact' }, definition: perSecond, overshoot: 0 },
  {
    name: 'bounded, token_bucket, 2,000 in all',
    limit: whole,
    definition: () => [quota, quota],
    overshoot: maxOvershoot('token_bucket', { ...bucket, limit: quota, burst: quota }, instances)
  },
  {
    name: 'bounded, token_bucket, 200/s',
    limit: { limit: 200, key: 'rule' },
    definition: perSecond,
    overshoot: maxOvershoot('token_bucket', bucket, instances)
  },
  {
    name: 'bounded, fixed_window, 200/s',
    limit: { limit: 200, key: 'rule', algorithm: 'fixed_window' },
    definition: windows,
    overshoot: maxOvershoot('fixed_window', bucket, instances)
  },
  {
    name: 'bounded, sliding_window, 200/s',
    limit: { limit: 200, key: 'rule', algorithm: 'sliding_window' },
    definition: windows,
    overshoot: maxOvershoot('sliding_window', bucket, instances)
  }
]

const count = (value: number): string => value.toLocaleString('en')

const clockShift = new URL('../chaos/harness/clock-shift.ts', import.meta.url).href
const fleet = await startLimitFleet(instances, index => (index === 0 ? ['--import', clockShift] : []))
// An hour ahead.
fleet.gateways[0]!.child.kill('SIGURG')
const rows: string[] = []
let holds = true
try {
  for (const { name, limit, definition, overshoot } of cases) {
    // What Redis does not answer in time is no matter of accuracy: it is told, and refused.
    await fleet.setLimit({ ...limit, on_store_failure: 'deny' })
    const answers = await fleet.hammer(clients, seconds)
    const { 200: passed = 0, 429: refused = 0, ...others } = answers
    const [least, most] = definition(seconds)
    const late = await fleet.storeFailures()
    const isWithin = passed >= least && passed <= most + overshoot && Object.keys(others).length === 0
    holds &&= isWithin
    const allowed = least === most ? count(most) : `${count(least)}–${count(most)}`
    rows.push(
      `| ${name} | ${count(passed + refused)} | ${allowed} | ${overshoot === 0 ? '0' : `≤ ${count(overshoot)}`} | ${count(passed)} | ${count(late)} |`
    )
    console.error(`${rows.at(-1)} ${isWithin ? '' : `NOT HELD ${JSON.stringify(others)}`}`)
  }
} finally {
  await fleet.close()
}
const table = [
  '| limit | sent | the limit says | stated overshoot | came through | Redis late |',
  '|---|---|---|---|---|---|',
  ...rows
].join('\n')
console.log(table)
if (!values.print) {
  writeTable('rate-limits.md', 'accuracy', table)
}
process.exitCode = holds ? 0 : 1
