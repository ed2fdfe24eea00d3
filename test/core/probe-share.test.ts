/** When an instance probes itself, and when it relies on another one. The clock is moved by the test. */
import fc from 'fast-check'
import t from 'tap'
import { ProbeShare } from '../../src/core/probe-share.ts'

const times = { intervalMs: 2_000, timeoutMs: 1_000 }

/** The share of `me`, while `b` probes for all. */
function shareOf(prober = 'b') {
  const share = new ProbeShare('k', 'me', times)
  share.prober = prober
  let n = 0
  const tell = (isOk: boolean, nowMs: number, from = 'b', ageMs = 0) =>
    share.told(from, { key: 'k', n: ++n, isOk, ageMs, status: undefined, tookMs: 1, error: undefined }, nowMs)
  const repeat = (isOk: boolean, nowMs: number, from = 'b') =>
    share.told(from, { key: 'k', n, isOk, ageMs: 0, status: undefined, tookMs: 1, error: undefined }, nowMs)
  return { share, tell, repeat }
}

t.test('while successes come in nothing is probed; when they are late, it is', async t => {
  const { share, tell } = shareOf()
  t.equal(share.waitMs(0), 0, 'nothing was told yet')
  t.equal(tell(true, 0), 'success')
  t.equal(share.waitMs(0), share.lateMs)
  t.equal(share.lateMs, 5_250)
  t.equal(tell(true, 2_000), 'success')
  t.equal(share.waitMs(5_250), 2_000)
  t.equal(share.waitMs(2_000 + share.lateMs), 0)
})

t.test('a success counts once, from the prober only, and while it is new', async t => {
  const { share, tell, repeat } = shareOf()
  t.equal(tell(true, 0), 'success')
  t.equal(repeat(true, 1_000), undefined)
  t.equal(tell(true, 1_000, 'c'), undefined, 'c is not the prober')
  t.equal(tell(true, 1_000, 'b', share.lateMs), undefined, 'too old')
  t.equal(tell(true, 1_000, 'b', share.lateMs - 1), 'success')
  share.prober = 'me'
  t.equal(tell(true, 1_000), undefined, 'who probes for all needs nobody')
})

t.test('a failure is a suspicion: own probes decide until both say that all is well', async t => {
  const { share, tell } = shareOf()
  tell(true, 0)
  t.equal(tell(false, 2_000), 'suspect')
  t.equal(share.waitMs(2_000), 0)
  t.equal(tell(false, 4_000), undefined, 'that is known')
  share.probed(true, true)
  t.equal(share.waitMs(4_000), 0, 'the prober does not say so')
  t.equal(tell(true, 6_000), 'success')
  t.ok(share.waitMs(6_000) > 0)
})

t.test('while own probes fail, what is told does not count', async t => {
  const { share, tell } = shareOf()
  tell(true, 0)
  share.suspect()
  share.probed(false, true)
  t.equal(tell(true, 2_000), undefined)
  share.probed(true, false)
  t.equal(tell(true, 4_000), undefined, 'it is still out')
  share.probed(true, true)
  t.ok(share.waitMs(4_000) > 0, 'both say that all is well')
})

t.test('an own request without a connection makes own probes due', async t => {
  const { share, tell } = shareOf()
  tell(true, 0)
  t.ok(share.suspect())
  t.notOk(share.suspect(), 'once')
  t.equal(share.waitMs(0), 0)
  share.probed(true, true)
  t.ok(share.waitMs(0) > 0, 'the last word of the prober still holds')
})

t.test('who takes over goes on at the pace of the one before', async t => {
  const { share, tell } = shareOf()
  tell(true, 500)
  share.prober = 'me'
  t.equal(share.waitMs(600), 1_900)
  t.equal(share.waitMs(2_500), 0)
  share.prober = 'c'
  t.equal(share.waitMs(2_500), 3_250, 'a new prober has until the result of the old one is late')
})

t.test('whatever is told, an instance never relies on it for longer than it is fresh, nor when the last word was a failure', async t => {
  const event = fc.record({
    afterMs: fc.integer({ min: 0, max: 4_000 }),
    what: fc.constantFrom('ok', 'bad', 'own ok', 'own bad', 'suspect', 'moved')
  })
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), events => {
      const { share, tell } = shareOf()
      let nowMs = 0
      let lastOkMs = Number.NEGATIVE_INFINITY
      let isLastBad = true
      for (const { afterMs, what } of events) {
        nowMs += afterMs
        if (what === 'own ok') share.probed(true, true)
        if (what === 'own bad') share.probed(false, true)
        if (what === 'suspect') share.suspect()
        if (what === 'moved') share.prober = share.isProber ? 'b' : 'me'
        if ((what === 'ok' || what === 'bad') && !share.isProber) {
          const outcome = tell(what === 'ok', nowMs)
          isLastBad = what === 'bad'
          if (what === 'ok') lastOkMs = nowMs
          if (outcome === 'success' && share.isSuspect) return false
        }
        const waitMs = share.waitMs(nowMs)
        if (waitMs > 0 && (isLastBad || share.isSuspect || nowMs + waitMs > lastOkMs + share.lateMs)) return false
        if (what === 'own bad' && waitMs > 0) return false
      }
      return true
    })
  )
  t.pass()
})
