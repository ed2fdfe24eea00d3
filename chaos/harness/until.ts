/** Waits for what a gateway says of itself. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Member } from './members.ts'

export interface HealthDetails {
  readonly store: { readonly status: string }
  readonly config: { readonly source: string; readonly estranged: string | null; readonly quarantined: number }
}

/** Resolves once `test` holds for the details of `/health`. @throws {Error} after 10 s */
export async function untilHealth({ name, gateway }: Member, test: (details: HealthDetails) => boolean): Promise<void> {
  const deadline = performance.now() + 10_000
  for (;;) {
    const { body } = await gateway.admin<{ details: HealthDetails }>('GET', '/health')
    if (test(body.details)) return
    if (performance.now() > deadline) throw new Error(`/health of ${name} says ${JSON.stringify(body)}`)
    await sleep(10)
  }
}
