/** Asks a gateway for its health all the time, and keeps what it said whenever that changed. */

import type { HealthDetails } from './until.ts'

export interface HealthWatch {
  /** What it said so far: `UP`, `DEGRADED (store DOWN)`, … */
  readonly said: readonly string[]
  /** Milliseconds from the start of the watch until it first said something that `pattern` finds; undefined when it did not. */
  firstMs(pattern: RegExp): number | undefined
  /** Goes on until it says `UP`, 3 s at most. */
  stop(): Promise<void>
}

interface Health {
  readonly status: string
  readonly details: HealthDetails
}

const everyMs = 50

export function watchHealth(adminUrl: () => string): HealthWatch {
  const begin = performance.now()
  const said: { readonly text: string; readonly ms: number }[] = []
  let isOver = false
  let overMs = 0
  const loop = async (): Promise<void> => {
    while (!isOver || (said.at(-1)?.text !== 'UP' && performance.now() < overMs)) {
      const text = await ask(adminUrl())
      if (text !== undefined && said.at(-1)?.text !== text) said.push({ text, ms: performance.now() - begin })
      await new Promise(resolve => setTimeout(resolve, everyMs))
    }
  }
  const done = loop()
  return {
    get said() {
      return said.map(({ text }) => text)
    },
    firstMs: pattern => said.find(({ text }) => pattern.test(text))?.ms,
    async stop() {
      isOver = true
      overMs = performance.now() + 3_000
      await done
    }
  }
}

/** Undefined when nothing answers: a gateway that is down says nothing. */
async function ask(adminUrl: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${adminUrl}/health`, { signal: AbortSignal.timeout(2_000) })
    return toText((await response.json()) as Health)
  } catch {
    return undefined
  }
}

function toText({ status, details: { store, config } }: Health): string {
  const parts = [
    ...(store.status === 'UP' ? [] : [`store ${store.status}`]),
    ...(config.source === 'store' ? [] : [config.source]),
    ...(config.estranged === null ? [] : [`store ${config.estranged}`]),
    ...(config.quarantined === 0 ? [] : [`${config.quarantined} quarantined`])
  ]
  return parts.length === 0 ? status : `${status} (${parts.join(', ')})`
}
