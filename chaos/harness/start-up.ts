/** How long a gateway takes from its start until it serves. */

import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Member } from './members.ts'

export interface StartUp {
  /** From the exec until the first answer, in milliseconds. */
  readonly firstMs: number
  /** How much of that it was ready to run and other processes had the cores, in milliseconds. */
  readonly waitedMs: number
  /** Its status. */
  readonly status: number
}

/** Starts `member` and asks its proxy port until it answers. */
export async function timeStart(member: Member): Promise<StartUp> {
  const begin = performance.now()
  let pid: number | undefined
  const up = member.start({
    onSpawn: child => {
      pid = child.pid
    }
  })
  for (;;) {
    const status = await statusOf(member.proxyUrl)
    const firstMs = performance.now() - begin
    if (status !== undefined) {
      const waitedMs = pid === undefined ? 0 : waitedMsOf(pid)
      await up
      return { firstMs, waitedMs, status }
    }
    await sleep(5)
  }
}

// What Linux keeps of the main thread: nanoseconds it ran, nanoseconds it was ready to run and did not, how often it ran.
function waitedMsOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6
  } catch {
    return 0
  }
}

/** The status of an answer; undefined when there is none. */
export function statusOf(url: string): Promise<number | undefined> {
  return new Promise(resolve => {
    const sent = request(url, { agent: false }, response => {
      response.resume()
      resolve(response.statusCode)
    })
    sent.on('error', () => resolve(undefined))
    sent.end()
  })
}
