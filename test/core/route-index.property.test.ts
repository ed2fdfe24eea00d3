/** The index against a plain linear matcher, and `explain` against both. */
import fc from 'fast-check'
import t from 'tap'
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { explain } from '../../src/core/explain.ts'
import { drained } from '../../src/core/route.ts'
import { Snapshot } from '../../src/core/snapshot.ts'
import { makeRule } from './make.ts'
import { failureOf, type ReferenceRequest, type ReferenceRule, referenceMatch } from './reference-matcher.ts'
import { paletteArbitrary, requestArbitrary, ruleArbitrary, toFacts } from './rule-arbitrary.ts'

/** One commit: rules by id; undefined deletes. */
type Commit = Readonly<Record<string, ForwardRule | undefined>>

const ids = Array.from({ length: 20 }, (_, index) => `r${index}`)

function commits(maxLength: number): fc.Arbitrary<readonly Commit[]> {
  return paletteArbitrary.chain(palette => {
    const change = fc
      .constantFrom(...ids)
      .chain(id => fc.tuple(fc.constant(id), fc.option(ruleArbitrary(id, palette), { nil: undefined, freq: 5 })))
    const commit = fc.array(change, { minLength: 1, maxLength: 20 }).map(changes => Object.fromEntries(changes))
    return fc.array(commit, { minLength: 1, maxLength })
  })
}

const requests = fc.array(requestArbitrary, { minLength: 8, maxLength: 8 })

interface World {
  readonly snapshot: Snapshot
  readonly rules: ReadonlyMap<string, ReferenceRule>
  readonly nextSeq: number
}

const start: World = { snapshot: Snapshot.empty, rules: new Map(), nextSeq: 1 }

/** A new rule is the youngest; one that is replaced keeps its age. */
function apply({ snapshot, rules, nextSeq }: World, commit: Commit): World {
  const next = new Map(rules)
  let seq = nextSeq
  for (const [id, item] of Object.entries(commit)) {
    if (item === undefined) next.delete(id)
    else next.set(id, { item, seq: rules.get(id)?.seq ?? seq++ })
  }
  const removedRules = Object.keys(commit).flatMap(id => snapshot.rule(id) ?? [])
  const addedRules = Object.keys(commit).flatMap(id => {
    const rule = next.get(id)
    return rule === undefined ? [] : [makeRule(rule.item, rule.seq)]
  })
  return { snapshot: snapshot.with({ revision: snapshot.revision + 1, removedRules, addedRules }), rules: next, nextSeq: seq }
}

/** The match key of the group that takes the request. */
function groupOf(snapshot: Snapshot, request: ReferenceRequest): string | undefined {
  return snapshot.index.match(toFacts(request))?.rules[0]?.matchKey
}

function expectedGroup({ snapshot, rules }: World, request: ReferenceRequest): string | undefined {
  const [winner] = referenceMatch([...rules.values()], request)
  return winner && snapshot.rule(winner.item.id)!.matchKey
}

t.test('the index finds what trying every rule finds, in every version of the configuration', async t => {
  const holds = fc.property(commits(6), requests, (commits, requests) => {
    const worlds = [start]
    for (const commit of commits) worlds.push(apply(worlds.at(-1)!, commit))
    for (const world of worlds) {
      for (const request of requests) {
        const found = groupOf(world.snapshot, request)
        const expected = expectedGroup(world, request)
        if (found !== expected) throw new Error(`found ${found}, expected ${expected}`)
      }
    }
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 700 }))
})

t.test('explain names the rule that the next request gets', async t => {
  const holds = fc.property(commits(2), requests, (commits, requests) => {
    const { snapshot } = commits.reduce(apply, start)
    for (const request of requests) {
      const explained = explain(snapshot, toFacts(request))
      const again = explain(snapshot, toFacts(request))
      if (JSON.stringify(explained) !== JSON.stringify(again)) throw new Error('explain changed something')
      const route = snapshot.match(toFacts(request))
      const expected = route === undefined ? 'no_rule' : route === drained ? 'drained' : route.rule.id
      if ((explained.rule ?? explained.outcome) !== expected) throw new Error(`explained ${explained.rule}, got ${expected}`)
      if (route !== undefined && route !== drained && route.upstreamPath !== explained.upstream_path) throw new Error('another path')
    }
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 350 }))
})

t.test('explain lists the rules that match in their order and the others with what failed', async t => {
  const holds = fc.property(commits(1), requests, (commits, requests) => {
    const { snapshot, rules } = commits.reduce(apply, start)
    for (const request of requests) {
      const explained = explain(snapshot, toFacts(request))
      const listed = [...explained.group, ...explained.runners_up].map(({ rule }) => snapshot.rule(rule)!.matchKey)
      const matching = referenceMatch([...rules.values()], request).map(({ item }) => snapshot.rule(item.id)!.matchKey)
      if (String([...new Set(listed)]) !== String([...new Set(matching)])) throw new Error(`${listed} is not ${matching}`)
      for (const { rule, predicate } of explained.failed) {
        const expected = failureOf(rules.get(rule)!.item, request)
        if (predicate !== expected) throw new Error(`${rule}: ${predicate} is not ${expected}`)
      }
      const failing = [...rules.values()].filter(({ item }) => item.enabled && !['path', undefined].includes(failureOf(item, request)))
      if (explained.failed.length !== failing.length) throw new Error(`${explained.failed.length} of ${failing.length} failures`)
    }
  })
  t.doesNotThrow(() => fc.assert(holds, { numRuns: 350 }))
})
