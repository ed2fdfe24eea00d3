/** A gateway is killed with -9 in the middle of what must be whole: a commit, and the writing of its last good configuration. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Change } from '../../src/core/change.ts'
import { nextFile, setAside, untilOnDisk } from '../harness/data-folder.ts'
import type { Fault } from '../harness/fault.ts'
import { Bars, type Finding } from '../harness/finding.ts'
import type { Lab } from '../harness/lab.ts'
import type { Member } from '../harness/members.ts'
import { isWithin } from '../harness/patience.ts'
import { timeStart } from '../harness/start-up.ts'
import { toSeconds } from '../harness/writing.ts'

const pair = ['pair-a', 'pair-b'] as const
const pairItem = (id: string, turn: number) => ({ path: `/${id}`, respond: { body: String(turn) } })

/** What a gateway answers for both rules of the pair. */
async function pairOf({ proxyUrl }: Member): Promise<string[]> {
  return Promise.all(pair.map(async id => (await fetch(`${proxyUrl}/${id}`)).text()))
}

const pairChanges = (turn: number) => pair.map(id => ({ op: 'put', kind: 'forward_rule', id, item: pairItem(id, turn) }) satisfies Change)

export const killedInCommit: Fault = {
  name: 'killed-in-commit',
  title: 'Gateway killed with -9 during a commit',
  meaning:
    'Up to 20 ms after it was asked to change two rules in one commit. The other gateway then follows both or neither. The time is the longest from the start of the ' +
    'killed one until a request through it follows what was changed while it was away.',
  async run(lab, { kills }): Promise<Finding> {
    const bars = new Bars()
    const [first, second] = lab.members as [Member, Member]
    await lab.commitElsewhere(pairChanges(0))
    await lab.follow(await lab.writeElsewhere())
    const seen = lab.observe([first])
    let currentMs = 0
    let made = 0
    for (let turn = 1; turn <= kills; turn++) {
      const asked = second.gateway.admin('POST', '/commits', { changes: pairChanges(turn) }).catch(() => undefined)
      // Spread evenly over what a commit takes: which moments are hit is no matter of luck.
      await sleep((20 * turn) / kills)
      await second.stop('SIGKILL')
      await asked
      await lab.follow((await lab.write(0)).version, [first])
      const [a, b] = await pairOf(first)
      bars.that('both rules of the commit or neither', a === b, [a, b])
      if (a === String(turn)) made++
      const begin = performance.now()
      await second.start()
      await lab.follow(lab.versions.newest, [second])
      currentMs = Math.max(currentMs, performance.now() - begin)
      await lab.compare(bars)
    }
    await lab.commitElsewhere(pair.map(id => ({ op: 'delete', kind: 'forward_rule', id }) satisfies Change))
    const measured = [`${kills} kills, ${made} of the commits were made, none by half`]
    return { ...(await seen.end(bars)), currentMs, measured, broken: bars.broken }
  }
}

const many = 2_000
const bulkItem = (at: number, turn: number) => ({ path: `/bulk/${at}`, respond: { body: `${turn} ${'x'.repeat(200)}` } })

export const killedInLastGoodWrite: Fault = {
  name: 'killed-in-last-good-write',
  title: 'Gateway killed with -9 while it writes its last good file',
  meaning:
    `${many.toLocaleString('en')} rules of one commit; the kill comes at another moment of the write each time. Started while Redis is away, the gateway serves a ` +
    'commit that is whole: the one that was being written, or the one before. The time is the longest from when Redis can be reached again.',
  async run(lab, { kills }): Promise<Finding> {
    const bars = new Bars()
    const [first, second] = lab.members as [Member, Member]
    await bulk(lab, 0)
    await untilOnDisk(second, (await lab.write(0)).revision)
    const seen = lab.observe([first])
    let currentMs = 0
    let isNew = 0
    let served = 0
    for (let turn = 1; turn <= kills; turn++) {
      const writing = nextFile(second, /\.tmp$/)
      await bulk(lab, turn)
      await writing
      // Spread evenly over what a write takes.
      await sleep((40 * (turn - 1)) / kills)
      await second.stop('SIGKILL')
      const before = served
      served = await startAlone(lab, second, bars)
      bars.that('a whole commit, none older than was served before', served >= before && served <= turn, { served, before, turn })
      if (served === turn) isNew++
      second.wire.open()
      currentMs = Math.max(currentMs, await lab.follow(lab.versions.newest))
    }
    await lab.commitElsewhere(
      Array.from({ length: many }, (_, at) => ({ op: 'delete', kind: 'forward_rule', id: `bulk-${at}` }) satisfies Change)
    )
    bars.that('current within 1 s', isWithin(currentMs, 1_000), toSeconds(currentMs))
    await lab.follow(await lab.writeElsewhere())
    await lab.compare(bars)
    const measured = [`${kills} kills, ${isNew} times the newest was written, never by half`]
    return { ...(await seen.end(bars)), currentMs, measured, broken: bars.broken }
  }
}

/** Changes all rules of the bulk in one commit, and waits until all follow. */
async function bulk(lab: Lab, turn: number): Promise<void> {
  const changes = Array.from({ length: many }, (_, at) => {
    return { op: 'put', kind: 'forward_rule', id: `bulk-${at}`, item: bulkItem(at, turn) } satisfies Change
  })
  await lab.commitElsewhere(changes)
  await lab.follow(await lab.writeElsewhere())
}

/** Starts it without Redis. Resolves with the turn that all rules of the bulk are at; NaN when they are not all at one. */
async function startAlone(lab: Lab, member: Member, bars: Bars): Promise<number> {
  member.wire.shut()
  lab.versions.forget(member.name)
  const { status } = await timeStart(member)
  bars.that('it serves', status === 200, status)
  bars.that('no file was damaged', setAside(member).length === 0, setAside(member))
  const { body } = await member.gateway.admin<{ forward_rules: { id: string; respond?: { body: string } }[] }>('GET', '/config')
  const bodies = body.forward_rules.filter(({ id }) => id.startsWith('bulk-')).map(({ respond }) => respond?.body.split(' ')[0])
  return bodies.length === many && new Set(bodies).size === 1 ? Number(bodies[0]) : Number.NaN
}
