/** The table, row by row, against one gateway process. */
import t from 'tap'
import { allRows } from './all-rows.ts'
import { judge } from './judge.ts'
import { startOwnGateway } from './own-gateway.ts'
import { startWireTarget } from './wire-target.ts'

const groups = Map.groupBy(allRows, ({ group }) => group)

// Before the first test: tap takes the file for done when its tests are through.
const target = await startWireTarget()
t.teardown(() => target.close())
const gateway = await startOwnGateway(t, target.port)
const { pid } = gateway.child
const health = (): string | undefined =>
  gateway.child.exitCode === null && gateway.child.signalCode === null && gateway.child.pid === pid ? undefined : 'the process is gone'
const bench = { port: Number(new URL(gateway.proxyUrl).port), target, patienceMs: 20_000, health }

t.test('the table is large, and no row is there twice', async t => {
  t.ok(allRows.length >= 400)
  t.equal(new Set(allRows.map(({ group, name }) => `${group}: ${name}`)).size, allRows.length)
})

t.test('rows about a proxy do not hold where there is none', async t => {
  const target = await startWireTarget()
  t.teardown(() => target.close())
  const bench = { port: target.port, target, patienceMs: 500, health: () => undefined }
  for (const name of ['Via is added to the request', 'Connection nominates a field', 'two Hosts', 'chunked, 2 bytes, to HTTP/1.0']) {
    const row = allRows.find(row => row.name === name)!
    t.type(await judge(row, bench), 'string', name)
  }
  const plain = allRows.find(row => row.name === 'until the end, 2 bytes, to HTTP/1.1')!
  t.equal(await judge(plain, { ...bench, patienceMs: 20_000 }), undefined, 'one that needs none does')
})

for (const [group, rows] of groups) {
  t.test(group, async t => {
    for (const row of rows) {
      const fault = await judge(row, bench)
      if (row.terms.gap === undefined) t.equal(fault, undefined, row.name)
      else t.type(fault, 'string', `${row.name}: not held yet (${row.terms.gap})`)
    }
  })
}

t.test('nothing went wrong inside', async t => {
  const errors = gateway.log.filter(({ level }) => level === 50 || level === 60)
  t.same(errors, [], 'the gateway logged no error')
  t.equal(gateway.child.pid, pid)
  t.equal(health(), undefined)
})
