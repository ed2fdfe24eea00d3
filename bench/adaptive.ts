/**
 * `npm run bench:adaptive`: what an adaptive limit does when the target loses half of its capacity and gets it back. In simulated time, the same on every
 * machine; writes the table and the picture of docs/rate-limits.md. With `--real`, once more over sockets: a gateway and a target in processes of
 * their own, under more load than the target can take.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { mean, type QueueOptions, type QueueRun, simulate } from '../test/core/limit/queue-model.ts'
import { measureForReal } from './harness/adaptive-real.ts'
import { writeTable } from './harness/docs.ts'
import { toLinesSvg } from './harness/lines.ts'

const picture = new URL('../docs/rate-limits-adaptive.svg', import.meta.url)

/** What the picture shows. */
const drawn: QueueOptions = { loses: 'workers' }

const cases: readonly (readonly [name: string, options: QueueOptions])[] = [
  ['10 workers of 50 ms, half of which stop; target 100 ms', drawn],
  ['the same, exponential: M/M/10', { loses: 'workers', spread: 'exponential' }],
  ['10 workers of 50 ms, which become twice as slow', {}],
  ['4 workers of 20 ms, which become twice as slow', { workers: 4, serviceMs: 20 }],
  [
    '4 workers of 4 ms, half stop; target 10 ms',
    { workers: 4, serviceMs: 4, loses: 'workers', policy: { targetMs: 10, start: 900, max: 100_000 } }
  ],
  [
    '20 workers of 500 ms, half stop; target 1 s',
    { workers: 20, serviceMs: 500, loses: 'workers', seconds: 240, policy: { targetMs: 1_000, start: 40 } }
  ],
  ['10 workers of 50 ms, half stop; begun at 15 × the capacity', { loses: 'workers', policy: { start: 3_000 } }],
  ['the same, begun at 25 ×, and the demand is only 0.9 ×', { loses: 'workers', demand: 0.9, policy: { start: 5_000 } }]
]

/** How long after `from` the latency came within 20 % of the target and, but for single seconds, stayed there. */
function settledAfter({ latencies, targetMs }: QueueRun, from: number, to: number): number {
  const isOff = (second: number) => Math.abs(latencies[second]! - targetMs) > 0.2 * targetMs
  for (let second = to - 2; second > from; second--) if (isOff(second) && isOff(second - 1)) return second + 1 - from
  return 1
}

function toRow([name, options]: (typeof cases)[number]): string {
  const run = simulate(options)
  const third = run.latencies.length / 3
  const cells = [0, 1, 2].map(phase => {
    const from = Math.floor(phase * third)
    const to = Math.floor((phase + 1) * third)
    const after = settledAfter(run, from, to)
    const settled = mean(run.latencies.slice(from + after, to))
    const most = Math.max(...run.latencies.slice(from, to))
    // Less than the target can take asks of nobody to wait.
    if (settled < 0.8 * run.targetMs) return `${toMs(settled, run)}: all go`
    return `${toMs(settled, run)} after ${after} s, at most ${toMs(most, run)}`
  })
  return `| ${name} | ${cells.join(' | ')} |`
}

function toMs(ms: number, { targetMs }: QueueRun): string {
  return `${ms.toFixed(targetMs < 50 ? 1 : 0)} ms`
}

function draw(run: QueueRun): string {
  const seconds = run.latencies.length
  return toLinesSvg(
    [
      {
        title: 'Latency, ms: mean of each second',
        lines: [
          { label: 'observed', color: '#d2691e', values: run.latencies },
          { label: 'target', color: '#888', dashed: true, values: run.latencies.map(() => run.targetMs) }
        ]
      },
      {
        title: 'Requests per second',
        lines: [
          { label: 'rate of the limit', color: '#4f83cc', values: run.rates },
          { label: 'capacity of the target', color: '#888', dashed: true, values: run.capacities }
        ]
      }
    ],
    seconds
  )
}

const { values } = parseArgs({ options: { print: { type: 'boolean', default: false }, real: { type: 'boolean', default: false } } })
const table = ['| target | full capacity | half | full again |', '|---|---|---|---|', ...cases.map(toRow)].join('\n')
console.log(table)
if (!values.print) {
  writeTable('rate-limits.md', 'adaptive', table)
  writeFileSync(picture, draw(simulate(drawn)))
}
if (values.real) console.log(await measureForReal())
