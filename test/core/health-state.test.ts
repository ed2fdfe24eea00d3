import fc from 'fast-check'
import t from 'tap'
import { type HealthName, HealthState, historyLength } from '../../src/core/health-state.ts'

const thresholds = { unhealthyAfter: 3, healthyAfter: 1 }

function states(state: HealthState, results: string, after = thresholds): HealthName[] {
  return [...results].map((letter, index) => {
    state.probed(letter === '+', 'refused', after, index + 1)
    return state.name
  })
}

t.test('a new target is unknown; one success makes it healthy, three failures in a row unhealthy, one success healthy again', async t => {
  const state = new HealthState(0)
  t.strictSame([state.name, state.sinceMs, state.reason], ['unknown', 0, 'new'])
  t.strictSame(states(state, '+--+---+'), ['healthy', 'healthy', 'healthy', 'healthy', 'healthy', 'healthy', 'unhealthy', 'healthy'])
  t.strictSame(state.history, [
    { atMs: 1, from: 'unknown', to: 'healthy', reason: '1 probe succeeded' },
    { atMs: 7, from: 'healthy', to: 'unhealthy', reason: '3 probes failed: refused' },
    { atMs: 8, from: 'unhealthy', to: 'healthy', reason: '1 probe succeeded' }
  ])
  t.strictSame([state.sinceMs, state.reason], [8, '1 probe succeeded'])
})

t.test('a target that never answered is out after as many failures as any other', async t => {
  t.strictSame(states(new HealthState(0), '---'), ['unknown', 'unknown', 'unhealthy'])
})

t.test('an unhealthy target comes back after successes in a row', async t => {
  const state = new HealthState(0)
  const after = { unhealthyAfter: 1, healthyAfter: 2 }
  t.strictSame(states(state, '-+-++', after), ['unhealthy', 'unhealthy', 'unhealthy', 'unhealthy', 'healthy'])
})

t.test('an ejection shows, but not behind failed probes', async t => {
  const state = new HealthState(0)
  states(state, '+')
  state.eject('5 errors in a row', 10)
  t.strictSame([state.name, state.isEjected, state.reason], ['ejected', true, '5 errors in a row'])
  states(state, '---')
  t.equal(state.name, 'unhealthy')
  state.restore('its time is over', 20)
  t.strictSame([state.name, state.isEjected], ['unhealthy', false])
  t.equal(state.history.at(-1)?.to, 'unhealthy', 'what does not show is no change')
})

t.test('a probe ends an ejection only where probes saw the trouble, too', async t => {
  const state = new HealthState(0)
  states(state, '+')
  state.eject('5 errors in a row', 10)
  t.same(state.probed(true, '', thresholds, 11), { lift: false }, 'probes that see nothing prove nothing')
  state.probed(false, 'refused', thresholds, 12)
  t.same(state.probed(true, '', thresholds, 13), { lift: true })
  state.restore('a probe succeeded again', 13)
  t.equal(state.name, 'healthy')
  state.probed(false, 'refused', thresholds, 14)
  t.same(state.probed(true, '', thresholds, 15), { lift: false }, 'there is none')
})

t.test('without a health check the verdict of the probes is void, an ejection is not', async t => {
  const state = new HealthState(0)
  states(state, '---')
  state.eject('5 errors in a row', 10)
  state.unprobed(11)
  t.equal(state.name, 'ejected')
  state.restore('its time is over', 12)
  t.equal(state.name, 'unknown')
})

t.test('whatever happens: the state follows a plain model, and the history is its last changes without a gap', async () => {
  const events = fc.array(fc.constantFrom('+', '-', 'eject', 'restore', 'unprobed'), { maxLength: 300 })
  const counts = fc.integer({ min: 1, max: 4 })
  fc.assert(
    fc.property(events, counts, counts, (list, unhealthyAfter, healthyAfter) => {
      const state = new HealthState(0)
      const names: HealthName[] = [state.name]
      let [probed, ejected, row] = ['unknown', false, '']
      for (const [index, event] of list.entries()) {
        if (event === 'eject') state.eject('e', index)
        else if (event === 'restore') state.restore('r', index)
        else if (event === 'unprobed') state.unprobed(index)
        else state.probed(event === '+', 'x', { unhealthyAfter, healthyAfter }, index)
        if (event === 'eject') ejected = true
        else if (event === 'restore') ejected = false
        else if (event === 'unprobed') [probed, row] = ['unknown', '']
        else {
          row = row.startsWith(event) ? row + event : event
          if (row.startsWith('+') && row.length >= healthyAfter) probed = 'healthy'
          if (row.startsWith('-') && row.length >= unhealthyAfter) probed = 'unhealthy'
        }
        const expected = probed === 'unhealthy' ? 'unhealthy' : ejected ? 'ejected' : probed
        if (state.name !== expected) return false
        if (names.at(-1) !== state.name) names.push(state.name)
      }
      const changes = names.slice(1).map((to, index) => `${names[index]} ${to}`)
      const told = state.history.map(({ from, to }) => `${from} ${to}`)
      return JSON.stringify(told) === JSON.stringify(changes.slice(-historyLength))
    }),
    { numRuns: 1_000 }
  )
})
