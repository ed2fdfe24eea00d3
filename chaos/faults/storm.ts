/** 1,000 changes a second, each a commit of its own, under load. */
import { setTimeout as sleep } from 'node:timers/promises'
import { openRedisStore } from '../../src/stores/redis-store.ts'
import type { Fault } from '../harness/fault.ts'
import { Bars, type Finding } from '../harness/finding.ts'
import { heapArgs, heapMb } from '../harness/heap.ts'
import type { Lab } from '../harness/lab.ts'
import { isWithin } from '../harness/patience.ts'
import { ruleId } from '../harness/versions.ts'

const rules = 1_000
/** Every so many changes, it is the rule under load that changes. */
const liveEvery = 10
const tickMs = 5

/** Commits at the rate until `ms` are over, and notes in `last` what each rule was changed to last. Resolves with how many were made. */
async function blow(lab: Lab, ms: number, perSecond: number, last: Map<string, number>): Promise<number> {
  const store = openRedisStore({ url: lab.redis.url, namespace: 'default', name: 'storm' })
  await store.load()
  const answers: Promise<unknown>[] = []
  const commitOne = (turn: number): void => {
    const id = `storm-${turn % rules}`
    const isLive = turn % liveEvery === 0
    const item = isLive ? lab.versions.next().item : { path: `/storm/${turn % rules}`, respond: { body: String(turn) } }
    if (!isLive) last.set(id, turn)
    answers.push(store.commit([{ op: 'put', kind: 'forward_rule', id: isLive ? ruleId : id, item }], 'storm'))
  }
  const begin = performance.now()
  for (let sent = 0; performance.now() - begin < ms; await sleep(tickMs))
    for (const due = ((performance.now() - begin) / 1_000) * perSecond; sent < due; sent++) commitOne(sent)
  await Promise.all(answers)
  await store.close()
  return answers.length
}

export const changeStorm: Fault = {
  name: 'change-storm',
  title: '1,000 changes per second',
  meaning:
    'Each is a commit of its own, every tenth of the rule that the load follows. In the end every gateway holds the same, and every change: none is lost, and the heap is as ' +
    'large as before. The clock runs from the answer to the last commit until both follow it.',
  async run(lab, { stormMs, stormPerSecond, stormShare }): Promise<Finding> {
    const bars = new Bars()
    for (const member of lab.members) {
      await member.stop('SIGTERM')
      await member.start({ nodeArgs: heapArgs })
    }
    const seen = lab.observe()
    const last = new Map<string, number>()
    const begin = performance.now()
    // The heap finds its size first.
    const first = await blow(lab, stormMs / 3, stormPerSecond, last)
    const heapsBefore = await Promise.all(lab.members.map(heapMb))
    const sent = first + (await blow(lab, (2 * stormMs) / 3, stormPerSecond, last))
    const rate = sent / ((performance.now() - begin) / 1_000)
    const currentMs = await lab.follow(lab.versions.newest)
    const heaps = await Promise.all(lab.members.map(heapMb))
    bars.that('the rate was kept', rate >= stormShare * stormPerSecond, rate)
    bars.that('current within 1 s', isWithin(currentMs, 1_000), currentMs)
    const grownMb = Math.max(...heaps.map((heap, at) => heap - heapsBefore[at]!))
    bars.that('the heap does not grow', grownMb <= 5, { heapsBefore, heaps })
    await lab.compare(bars)
    await checkAll(lab, last, bars)
    const observed = await seen.end(bars)
    await lab.commitElsewhere([...last.keys()].map(id => ({ op: 'delete', kind: 'forward_rule', id }) as const))
    const measured = [
      `${sent} commits, ${Math.round(rate)} per second, none lost`,
      `heap after a third of the time ${toMb(heapsBefore)}, at the end ${toMb(heaps)}`
    ]
    return { ...observed, currentMs, measured, broken: bars.broken }
  }
}

/** Every rule is at what it was changed to last. */
async function checkAll(lab: Lab, last: ReadonlyMap<string, number>, bars: Bars): Promise<void> {
  for (const { gateway, name } of lab.members) {
    const { body } = await gateway.admin<{ forward_rules: { id: string; respond?: { body: string } }[] }>('GET', '/config')
    const held = new Map(body.forward_rules.map(({ id, respond }) => [id, Number(respond?.body)]))
    const wrong = [...last].filter(([id, turn]) => held.get(id) !== turn)
    bars.that(`${name} holds every change`, wrong.length === 0, wrong.slice(0, 3))
  }
}

function toMb(heaps: readonly number[]): string {
  return heaps.map(mb => `${mb.toFixed(1)} MB`).join(' and ')
}
