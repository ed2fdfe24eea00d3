/** Load by wrk, and what it says of it. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface LoadResult {
  readonly requests: number
  readonly requestsPerSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const unitMs: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1_000, m: 60_000 }

/** Runs `command` (taskset and wrk) against `url`. @throws {Error} when one request failed: the figures would flatter. */
export async function load(command: readonly string[], url: string, seconds: number, connections: number): Promise<LoadResult> {
  const [program, ...args] = command
  const { stdout } = await run(program!, [...args, '-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '5s', '--latency', url])
  return parseWrk(stdout)
}

/** Reads what `wrk --latency` prints. @throws {Error} when it tells of failed requests or is not what wrk prints. */
export function parseWrk(text: string): LoadResult {
  const failures = /Non-2xx or 3xx responses: \d+|Socket errors: .*/.exec(text)
  if (failures !== null) throw new Error(`requests failed under load: ${failures[0]}`)
  return {
    requests: Number(capture(text, /(\d+) requests in/)[1]),
    requestsPerSecond: Number(capture(text, /Requests\/sec:\s+([\d.]+)/)[1]),
    p50Ms: percentile(text, 50),
    p99Ms: percentile(text, 99)
  }
}

function percentile(text: string, percent: number): number {
  const [, value, unit] = capture(text, new RegExp(`^\\s+${percent}%\\s+([\\d.]+)(us|ms|s|m)\\s*$`, 'm'))
  return Number(value) * unitMs[unit!]!
}

function capture(text: string, pattern: RegExp): RegExpExecArray {
  const found = pattern.exec(text)
  if (found === null) throw new Error(`wrk printed nothing like ${pattern}:\n${text}`)
  return found
}
