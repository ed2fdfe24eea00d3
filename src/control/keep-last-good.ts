/** Keeps the last good configuration on disk while the live one changes, and gives it back when the store does not answer at the start. */
import type { ConfigSet } from '../core/change.ts'
import type { LastGoodFile } from '../stores/last-good.ts'
import type { LiveConfig } from './live-config.ts'
import type { Fallback } from './live-events.ts'

export interface LastGoodReport {
  /** The file could not be written; the next change tries again. */
  onWriteFailure(error: unknown): void
  /** The file was damaged and is set aside. */
  onDamage(reason: string, aside: string): void
}

/** Reads the file once, however often it is asked. */
export function lastGoodFallback(file: LastGoodFile, report: LastGoodReport): Fallback {
  let read: Promise<ConfigSet | undefined> | undefined
  return {
    read: () => {
      read ??= readOnce(file, report)
      return read
    }
  }
}

/**
 * For a store that forgets rollouts when the process ends: one that was running then is over, and must not run again until the store has
 * been read.
 */
export function withoutRollouts(fallback: Fallback): Fallback {
  return {
    read: async () => {
      const set = await fallback.read()
      return set === undefined ? undefined : { ...set, items: set.items.filter(({ kind }) => kind !== 'rollout') }
    }
  }
}

async function readOnce(file: LastGoodFile, report: LastGoodReport): Promise<ConfigSet | undefined> {
  try {
    const found = await file.read()
    if (found.found === 'damage') report.onDamage(found.reason, found.aside)
    return found.found === 'configuration' ? found.set : undefined
  } catch (error) {
    report.onDamage((error as Error).message, file.path)
    return undefined
  }
}

/** At least so long from a change until it is written: changes come in crowds. */
const settleMs = 50
/** A large configuration is written for at most a twentieth of the time. */
const dutyFactor = 20

/** Writes the file after changes. `close` writes what is not written yet. */
export class LastGoodKeeper {
  readonly #file: LastGoodFile
  readonly #live: LiveConfig
  readonly #report: LastGoodReport
  #timer: NodeJS.Timeout | undefined
  #writing: Promise<void> | undefined
  #isDirty = false
  #lastMs = 0

  constructor(file: LastGoodFile, live: LiveConfig, report: LastGoodReport) {
    this.#file = file
    this.#live = live
    this.#report = report
    void file.sweep()
    live.on('applied', ({ source }) => {
      if (source === 'store') this.#schedule()
    })
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#writing
    if (this.#isDirty) await this.#write()
  }

  #schedule(): void {
    this.#isDirty = true
    if (this.#writing !== undefined) return
    this.#timer ??= setTimeout(() => this.#begin(), Math.max(settleMs, this.#lastMs * dutyFactor)).unref()
  }

  #begin(): void {
    this.#timer = undefined
    this.#writing = this.#write().finally(() => {
      this.#writing = undefined
      if (this.#isDirty) this.#schedule()
    })
  }

  async #write(): Promise<void> {
    const set = this.#live.liveSet
    if (set === undefined) return
    this.#isDirty = false
    const begin = performance.now()
    try {
      await this.#file.write(set)
    } catch (error) {
      this.#report.onWriteFailure(error)
    }
    this.#lastMs = performance.now() - begin
  }
}
