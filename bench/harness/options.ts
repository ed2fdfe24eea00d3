/** The options of `npm run bench`. */
import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** Length of one measured run, in seconds. */
  readonly seconds: number
  /** Length of the run before it that is thrown away, in seconds. */
  readonly warmUpSeconds: number
  /** How often each proxy is measured, interleaved with the others. */
  readonly rounds: number
  /** Connections that wrk keeps busy. */
  readonly connections: number
  /** Measure only the proxies whose name this finds; all by default. */
  readonly only: RegExp
  /** Print JSON in place of a Markdown table. */
  readonly json: boolean
}

export const usage = `npm run bench -- [options]
  --seconds N      length of one measured run (8)
  --warm-up N      length of the run before it that is thrown away (3)
  --rounds N       how often each proxy is measured, interleaved (3)
  --connections N  connections that wrk keeps busy (64)
  --only REGEX     measure only the proxies whose name it finds
  --json           print JSON in place of a Markdown table`

/** @throws {Error} with one line for the person who typed `args`. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: { seconds: text, 'warm-up': text, rounds: text, connections: text, only: text, json: { type: 'boolean', default: false } }
  })
  return {
    seconds: positive('seconds', values.seconds ?? '8'),
    warmUpSeconds: positive('warm-up', values['warm-up'] ?? '3'),
    rounds: positive('rounds', values.rounds ?? '3'),
    connections: positive('connections', values.connections ?? '64'),
    only: new RegExp(values.only ?? ''),
    json: values.json
  }
}

function positive(name: string, text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error(`--${name} takes a whole number above 0, not '${text}'`)
  return Number(text)
}
