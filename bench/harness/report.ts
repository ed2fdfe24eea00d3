/** From runs to a table. */
import { cpus } from 'node:os'
import type { LoadResult } from './load.ts'
import type { BenchOptions } from './options.ts'

/** One measured run of one proxy. */
export interface Run extends LoadResult {
  /** User and system time of the proxy per request served, in microseconds. */
  readonly cpuUs: number
  /** How much of the core others took while it ran, 0 to 1. */
  readonly disturbance: number
}

/** The medians over the rounds. */
export interface Row {
  readonly name: string
  readonly cpuUs: number
  /** `cpuUs` over that of the first row. */
  readonly ratio: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** One row per name, in the order of `runs`; ratios to the first. */
export function toRows(runs: ReadonlyMap<string, readonly Run[]>): Row[] {
  const medianOf = (name: string, field: keyof Run) => median(runs.get(name)!.map(run => run[field]))
  const names = [...runs.keys()]
  const floorUs = medianOf(names[0]!, 'cpuUs')
  return names.map(name => ({
    name,
    cpuUs: medianOf(name, 'cpuUs'),
    ratio: medianOf(name, 'cpuUs') / floorUs,
    requestsPerSecond: medianOf(name, 'requestsPerSecond'),
    p50Ms: medianOf(name, 'p50Ms'),
    p99Ms: medianOf(name, 'p99Ms')
  }))
}

/** A Markdown table. */
export function toTable(rows: readonly Row[]): string {
  const lines = rows.map(
    row =>
      `| ${row.name} | ${row.cpuUs.toFixed(1)} | ${row.ratio.toFixed(2)} | ${Math.round(row.requestsPerSecond)} | ${row.p50Ms.toFixed(2)} | ${row.p99Ms.toFixed(2)} |`
  )
  return ['| proxy | CPU µs/request | × floor | requests/s | p50 ms | p99 ms |', '|---|--:|--:|--:|--:|--:|', ...lines].join('\n')
}

/** A warning when the proxies did not have their core to themselves; undefined when they did. */
export function disturbanceOf(runs: ReadonlyMap<string, readonly Run[]>): string | undefined {
  const worst = Math.max(...[...runs.values()].flat().map(run => run.disturbance))
  if (worst < 0.05) return undefined
  return `Not to be relied on: other processes took up to ${Math.round(worst * 100)} % of the core that was measured.`
}

/** On what and how it was measured, in one line. */
export function conditions(options: BenchOptions): string {
  const { rounds, seconds, connections } = options
  return `${rounds} rounds of ${seconds} s, ${connections} connections, Node ${process.versions.node}, ${cpus()[0]?.model ?? 'unknown processor'}`
}
