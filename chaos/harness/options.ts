/** The options of `npm run chaos`. */
import { parseArgs } from 'node:util'
import { type Pace, paces } from './fault.ts'

export interface ChaosOptions {
  readonly pace: Pace
  /** Only the faults whose name this finds. */
  readonly only: RegExp
  /** Whether everything is run at full length: then the table goes into the documentation. */
  readonly isWhole: boolean
  /** Only say which faults there are. */
  readonly list: boolean
}

export const usage = `npm run chaos -- [options]
  --short         seconds in place of minutes; the documentation is left alone
  --only REGEX    only the faults whose name it finds; the documentation is left alone
  --outage S      how long Redis is away, in seconds (60, with --short 2)
  --list          names the faults and runs none`

/** @throws {Error} with one line for the person who typed `args` */
export function parseOptions(args: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      short: { type: 'boolean', default: false },
      only: { type: 'string' },
      outage: { type: 'string' },
      list: { type: 'boolean', default: false }
    }
  })
  const { short, only, outage, list } = values
  if (outage !== undefined && !/^[1-9]\d{0,3}$/.test(outage)) throw new Error(`--outage takes seconds, not '${outage}'`)
  const pace = short ? paces.short : paces.full
  return {
    pace: outage === undefined ? pace : { ...pace, outageMs: Number(outage) * 1_000 },
    only: new RegExp(only ?? ''),
    isWhole: !short && only === undefined && outage === undefined,
    list
  }
}
