/** What an instance makes of what others say: who is there, what most have ejected, who probes. The clock is moved by the test. */
import fc from 'fast-check'
import t from 'tap'
import { beatMs, cutOffMs, type FleetMessage, goneMs, nameOf, settleMs, type ToldEjection } from '../../src/core/fleet-health.ts'
import { FleetViews, probeKey } from '../../src/core/fleet-views.ts'

const quiet: FleetMessage = { isLeaving: false, ejections: [], probes: [] }
const ejects = (...ejections: ToldEjection[]): FleetMessage => ({ ...quiet, ejections })
const out = (remainingMs = 30_000): ToldEjection => ({ service: 's', target: 'http://a', remainingMs })

/** The views of `me`, who has heard of the others for long enough. */
function settled(others: Record<string, FleetMessage>) {
  const clock = { nowMs: 0 }
  const views = new FleetViews('me')
  const beat = (said: Record<string, FleetMessage> = others) => {
    for (const [from, message] of Object.entries({ me: quiet, ...said })) views.hear(from, message, clock.nowMs)
    views.review(clock.nowMs)
  }
  for (; clock.nowMs < settleMs; clock.nowMs += beatMs) beat()
  beat()
  return { views, clock, beat, quorum: () => views.quorum('s', 'http://a', clock.nowMs) }
}

t.test('more than half of all instances eject a target; half of them do not', async t => {
  t.match(settled({ b: ejects(out()), c: ejects(out()) }).quorum(), { ejected: 2, of: 3 })
  t.equal(settled({ b: ejects(out()), c: quiet }).quorum(), undefined, '1 of 3')
  t.equal(settled({ b: ejects(out()), c: ejects(out()), d: quiet }).quorum(), undefined, '2 of 4')
  t.equal(settled({ b: ejects(out()) }).quorum(), undefined, '1 of 2')
  t.equal(settled({}).quorum(), undefined, 'alone')
})

t.test('what another target or another service of most instances meets says nothing', async t => {
  const { views, clock } = settled({ b: ejects(out()), c: ejects(out()) })
  t.equal(views.quorum('s', 'http://b', clock.nowMs), undefined)
  t.equal(views.quorum('t', 'http://a', clock.nowMs), undefined)
})

t.test('it ends when too few are left: by time, by word, or because one has left', async t => {
  const { quorum, clock } = settled({ b: ejects(out(5_000)), c: ejects(out(9_000)), d: ejects(out(7_000)), e: quiet })
  t.equal(quorum()?.untilMs, clock.nowMs + 5_000, 'three of five are needed, and the first of three ends first')
  clock.nowMs += 5_000
  t.equal(quorum(), undefined)
  for (const last of [quiet, { ...quiet, isLeaving: true }]) {
    const { beat, quorum } = settled({ b: ejects(out()), c: ejects(out()) })
    beat({ b: last, c: ejects(out()) })
    t.equal(quorum(), undefined)
  }
})

t.test('nothing is made of anything before all have had the time to say something', async t => {
  const views = new FleetViews('me')
  for (let nowMs = 0; nowMs < settleMs; nowMs += 100) {
    for (const from of ['me', 'b', 'c']) views.hear(from, from === 'me' ? quiet : ejects(out()), nowMs)
    views.review(nowMs)
    t.same([views.members, views.quorum('s', 'http://a', nowMs)], [['me'], undefined])
  }
})

t.test('who was not heard for five seconds is gone', async t => {
  const { views, clock, beat } = settled({ b: quiet, c: quiet })
  const lastMs = clock.nowMs
  while (clock.nowMs < lastMs + goneMs - beatMs) {
    clock.nowMs += beatMs
    beat({ b: quiet })
    t.same(views.members, ['b', 'c', 'me'])
  }
  clock.nowMs = lastMs + goneMs
  beat({ b: quiet })
  t.same(views.members, ['b', 'me'])
})

t.test('who is cut off drops what it heard before any of the others seem to be gone', async t => {
  // Those that have ejected were heard last: when the others went first, they would be most of what is left.
  const { views, clock, quorum } = settled({ b: ejects(out()), c: ejects(out()), d: quiet, e: quiet, f: quiet })
  const lastMs = clock.nowMs
  for (clock.nowMs = lastMs; clock.nowMs <= lastMs + 2 * goneMs; clock.nowMs += 50) {
    // Not even when what others say still comes.
    if (clock.nowMs < lastMs + 2_000) for (const from of ['b', 'c']) views.hear(from, ejects(out()), clock.nowMs)
    views.review(clock.nowMs)
    t.equal(quorum(), undefined)
    t.equal(views.members.length, clock.nowMs < lastMs + cutOffMs ? 6 : 1)
  }
})

t.test('after a pause of the process most of the first who are heard again are not most of all', async t => {
  const { views, clock, quorum } = settled({ b: ejects(out()), c: ejects(out()), d: quiet, e: quiet, f: quiet })
  clock.nowMs += 2 * goneMs
  for (const [from, message] of Object.entries({ me: quiet, b: ejects(out()), c: ejects(out()), d: quiet })) {
    views.hear(from, message, clock.nowMs)
    views.review(clock.nowMs)
    t.equal(quorum(), undefined, from)
  }
})

t.test('a lost link is the end of all that was heard, at once', async t => {
  const { views, clock, quorum, beat } = settled({ b: ejects(out()), c: ejects(out()) })
  t.ok(quorum())
  views.drop()
  t.ok(views.review(clock.nowMs), 'others are there than before')
  t.same([views.members, views.hasEjections, quorum()], [['me'], false, undefined])
  beat()
  t.equal(quorum(), undefined, 'and who comes back waits again')
})

t.test('an end that is told again a little earlier or later stays where it was', async t => {
  const { quorum, clock, beat } = settled({ b: ejects(out()), c: ejects(out()) })
  const untilMs = quorum()!.untilMs
  clock.nowMs += 1_000
  beat({ b: ejects(out(29_050)), c: ejects(out(28_960)) })
  t.equal(quorum()?.untilMs, untilMs)
})

const names = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 8 })

t.test('whoever comes or goes takes or leaves its share of the probes only', async t => {
  fc.assert(
    fc.property(names, fc.nat(), (others, pick) => {
      const ids = others.filter(id => id !== 'me')
      const gone = ids[pick % Math.max(1, ids.length)]
      const { views } = settled(Object.fromEntries(ids.map(id => [id, quiet])))
      const without = settled(Object.fromEntries(ids.filter(id => id !== gone).map(id => [id, quiet]))).views
      for (let index = 0; index < 50; index++) {
        const key = probeKey('s', `http://${index}`, {})
        const before = views.proberOf(key)
        if (before !== gone && without.proberOf(key) !== before) return false
      }
      return true
    })
  )
  t.pass()
})

t.test('all instances choose the same prober, and each has about its share', async t => {
  const ids = ['a', 'b', 'c'].map(name => `gateway-${name}#${name}1f`)
  const each = ids.map(self => {
    const views = new FleetViews(self)
    for (const nowMs of [0, settleMs - 1, settleMs]) {
      for (const id of ids) views.hear(id, quiet, nowMs)
      views.review(nowMs)
    }
    return views
  })
  const counts = new Map(ids.map(id => [id, 0]))
  for (let index = 0; index < 3_000; index++) {
    const key = probeKey('s', `http://10.0.0.${index}`, { path: '/' })
    const chosen = new Set(each.map(views => views.proberOf(key)))
    if (chosen.size !== 1) t.fail('they do not agree')
    for (const id of chosen) counts.set(id, counts.get(id)! + 1)
  }
  for (const [id, count] of counts) t.ok(count > 700 && count < 1_300, `${id} has ${count} of 3000`)
})

t.test('a quorum is never of less than half, and never counts one that is silent or says nothing', async t => {
  const step = fc.record({
    afterMs: fc.integer({ min: 0, max: 3_000 }),
    said: fc.array(fc.tuple(fc.constantFrom('me', 'b', 'c', 'd', 'e'), fc.option(fc.integer({ min: 1, max: 20_000 }), { nil: undefined })))
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), steps => {
      const views = new FleetViews('me')
      const heard = new Map<string, { atMs: number; untilMs: number }>()
      let nowMs = 0
      for (const { afterMs, said } of steps) {
        nowMs += afterMs
        for (const [from, remainingMs] of said) {
          if (from === 'me' && nowMs - (heard.get('me')?.atMs ?? Number.NEGATIVE_INFINITY) >= cutOffMs) heard.clear()
          views.hear(from, remainingMs === undefined ? quiet : ejects(out(remainingMs)), nowMs)
          heard.set(from, { atMs: nowMs, untilMs: remainingMs === undefined ? 0 : nowMs + remainingMs + 250 })
        }
        views.review(nowMs)
        const quorum = views.quorum('s', 'http://a', nowMs)
        const isCutOff = nowMs - (heard.get('me')?.atMs ?? Number.NEGATIVE_INFINITY) >= cutOffMs
        if (isCutOff) heard.clear()
        if (quorum === undefined) continue
        if (isCutOff) return false
        const live = [...heard].filter(([from, { atMs }]) => from !== 'me' && nowMs - atMs < goneMs)
        const ejecting = live.filter(([, { untilMs }]) => untilMs > nowMs)
        if (quorum.of !== live.length + 1) return false
        if (quorum.ejected > ejecting.length || quorum.ejected * 2 <= quorum.of || quorum.untilMs <= nowMs) return false
      }
      return true
    }),
    { numRuns: 300 }
  )
  t.pass()
})

t.test('a probe is named by all that it is made of', async t => {
  const key = probeKey('s', 'http://a', { path: '/' })
  t.equal(probeKey('s', 'http://a', { path: '/' }), key)
  t.notOk([probeKey('t', 'http://a', { path: '/' }), probeKey('s', 'http://b', { path: '/' }), probeKey('s', 'http://a', {})].includes(key))
  t.equal(nameOf('a#b#12ab'), 'a#b')
})
