/** One of 1,000 items in Redis is spoilt behind everybody's back, and everything is loaded again. */
import type { Change } from '../../src/core/change.ts'
import { redisKeys } from '../../src/stores/redis-keys.ts'
import type { Fault } from '../harness/fault.ts'
import { Bars, type Finding } from '../harness/finding.ts'
import type { Lab } from '../harness/lab.ts'
import { isWithin } from '../harness/patience.ts'
import { ruleId } from '../harness/versions.ts'
import { toSeconds } from '../harness/writing.ts'

const keys = redisKeys('default')
const count = 1_000
const spoilt = 'item-500'
const itemOf = (at: number) => ({ path: `/item/${at}`, path_type: 'exact', respond: { body: `item ${at}` } })

/** What is put in the place of a rule. */
const poisons = {
  'truncated JSON': JSON.stringify(itemOf(500)).slice(0, -9),
  'a value of 10 MB': JSON.stringify({ ...itemOf(500), description: 'x'.repeat(10_000_000) }),
  'a field `__proto__`': '{"path":"/item/500","__proto__":{"enabled":false},"respond":{}}',
  'a bad regex': JSON.stringify({ path: '(', path_type: 'regex', respond: {} })
} as const

interface Problems {
  readonly items: readonly { readonly kind: string; readonly id: string; readonly previous_live: boolean }[]
}

/** Spoils the item, changes the rule under test in the same breath, and has everything loaded. Resolves with the time until both follow. */
async function poison(lab: Lab, text: string): Promise<number> {
  const { version, item } = lab.versions.next()
  await lab.byHand(redis =>
    redis
      .multi()
      .hset(keys.items.forward_rule, spoilt, text)
      .hset(keys.items.forward_rule, ruleId, JSON.stringify(item))
      .incr(keys.revision)
      .publish(keys.notices, '')
      .exec()
  )
  return lab.follow(version)
}

/** Only the spoilt item is held back, and its version before it still serves. */
async function checkPoisoned(lab: Lab, what: string, bars: Bars): Promise<void> {
  for (const { gateway, name, proxyUrl } of lab.members) {
    const { body } = await gateway.admin<Problems>('GET', '/config/problems')
    const held = body.items.map(({ id, previous_live }) => `${id} ${previous_live}`)
    bars.that(`${what}: ${name} holds back that item alone, its previous version live`, held.join() === `${spoilt} true`, held)
    for (const at of [0, 500, 999]) {
      const answer = await (await fetch(`${proxyUrl}/item/${at}`)).text()
      bars.that(`${what}: ${name} serves item ${at}`, answer === `item ${at}`, answer)
    }
  }
}

export const itemPoisoned: Fault = {
  name: 'item-poisoned',
  title: 'One of 1,000 items in Redis spoilt',
  meaning:
    `With \`HSET\`: ${Object.keys(poisons).join(', ')}, one after the other, each with a full load in every gateway. That item is held back with its reason, ` +
    'its previous version serves, and a change made in the same breath is followed. The time is the longest from the poison to that.',
  async run(lab): Promise<Finding> {
    const bars = new Bars()
    const all = Array.from({ length: count }, (_, at) => at)
    await lab.commitElsewhere(all.map(at => ({ op: 'put', kind: 'forward_rule', id: `item-${at}`, item: itemOf(at) }) satisfies Change))
    await lab.follow(await lab.writeElsewhere())
    const seen = lab.observe()
    const times: number[] = []
    for (const [what, text] of Object.entries(poisons)) {
      times.push(await poison(lab, text))
      await checkPoisoned(lab, what, bars)
    }
    const { status } = await lab.members[0]!.gateway.admin('PUT', `/forward-rules/${spoilt}`, itemOf(500))
    bars.that('a write through the API mends it', status === 200, status)
    const currentMs = Math.max(...times)
    bars.that('current within 2 s', isWithin(currentMs, 2_000), toSeconds(currentMs))
    await lab.follow((await lab.write(1)).version)
    await lab.compare(bars)
    const observed = await seen.end(bars)
    await lab.commitElsewhere(all.map(at => ({ op: 'delete', kind: 'forward_rule', id: `item-${at}` }) satisfies Change))
    return { ...observed, currentMs, measured: ['999 items and the change followed each time'], broken: bars.broken }
  }
}
