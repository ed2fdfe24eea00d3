/** `?wait=all`: an answer that says "everywhere" is true, and one that cannot say so names who is missing. */
import { Transform } from 'node:stream'
import t from 'tap'
import { Pool } from 'undici'
import { type GatewayProcess, startGateway, type Teardown } from '../helpers/gateway.ts'
import { startRedis } from '../helpers/redis.ts'
import { startTcpProxy } from '../helpers/tcp-proxy.ts'

/** How often the promise is checked. */
const rounds = Number(process.env.SLUICE_TEST_WAIT_ROUNDS ?? 200)
const names = ['one', 'two', 'three'] as const
/** What Redis says takes so long to each, in milliseconds: on one machine an answer is hardly faster than the change itself. */
const delaysMs = { one: 0, two: 5, three: 12 }

const rule = (body: string) => ({ path: '/', respond: { body } })

interface Member {
  readonly name: string
  readonly gateway: GatewayProcess
  /** What a request through its proxy is answered. */
  ask(): Promise<string>
  /** What its admin API answers. */
  put(query: string, body: string): Promise<{ status: number; body: Record<string, unknown> }>
}

async function startFleet(t: Teardown): Promise<readonly Member[]> {
  const redis = await startRedis(t)
  return Promise.all(
    names.map(async name => {
      const { port } = await startTcpProxy(t, redis.port, () => delay(delaysMs[name]))
      const gateway = await startGateway(t, {
        SLUICE_STORE: `redis://127.0.0.1:${port}`,
        SLUICE_INSTANCE: name,
        SLUICE_ACCESS_LOG: 'false'
      })
      const proxy = new Pool(gateway.proxyUrl)
      const admin = new Pool(gateway.adminUrl)
      t.teardown(() => Promise.all([proxy.destroy(), admin.destroy()]))
      return {
        name,
        gateway,
        ask: async () => (await proxy.request({ path: '/', method: 'GET' })).body.text(),
        put: async (query, body) => {
          const headers = { 'content-type': 'application/json' }
          const path = `/forward-rules/r${query}`
          const { statusCode, body: answer } = await admin.request({ path, method: 'PUT', headers, body: JSON.stringify(rule(body)) })
          return { status: statusCode, body: (await answer.json()) as Record<string, unknown> }
        }
      }
    })
  )
}

/** Passes everything on, each piece so much later. */
function delay(ms: number): Transform {
  return new Transform({
    transform(chunk, _encoding, done) {
      done()
      setTimeout(() => this.push(chunk), ms)
    }
  })
}

const fleet = await startFleet(t)
const [one, two, three] = fleet

t.test(`in ${rounds} of ${rounds} writes, wait=all answers only when every gateway follows the new rule`, async t => {
  const wrong: string[] = []
  for (let round = 0; round < rounds; round++) {
    const writer = fleet[round % fleet.length]!
    const { status } = await writer.put('?wait=all&timeout_ms=10000', `v${round}`)
    const answers = await Promise.all(fleet.map(({ ask }) => ask()))
    if (status !== (round === 0 ? 201 : 200)) wrong.push(`round ${round}: status ${status}`)
    for (const [index, answer] of answers.entries())
      if (answer !== `v${round}`) wrong.push(`round ${round}: ${names[index]} said ${answer}`)
  }
  t.same(wrong, [])
})

t.test('a gateway that is stopped is named as pending, and waited for again when it goes on', async t => {
  t.equal((await one!.put('?wait=all', 'a')).status, 200)
  three!.gateway.child.kill('SIGSTOP')
  t.teardown(() => three!.gateway.child.kill('SIGCONT'))
  const begin = performance.now()
  const waited = await one!.put('?wait=all&timeout_ms=500', 'b')
  const tookMs = performance.now() - begin
  t.match(waited, { status: 202, body: { applied: ['one', 'two'], pending: ['three'], rejected: [] } })
  t.ok(tookMs >= 500 && tookMs < 1500, `it took ${Math.round(tookMs)} ms`)
  t.equal((await one!.put('', 'c')).status, 200, 'who does not ask does not wait')
  three!.gateway.child.kill('SIGCONT')
  t.equal((await one!.put('?wait=all&timeout_ms=10000', 'd')).status, 200)
  t.same(await Promise.all(fleet.map(({ ask }) => ask())), ['d', 'd', 'd'])
})

t.test('every gateway lists the same instances, and one that ends is gone from the list', async t => {
  await one!.put('?wait=all&timeout_ms=10000', 'e')
  const lists = await Promise.all(fleet.map(({ gateway }) => gateway.admin<{ items: Record<string, unknown>[] }>('GET', '/instances')))
  const revision = lists[0]!.body.items[0]!.revision
  for (const [index, { status, body }] of lists.entries()) {
    t.equal(status, 200)
    t.match(
      body.items,
      ['one', 'three', 'two'].map(id => ({ id, revision, lag: 0, in_sync: true, self: id === names[index] }))
    )
    t.equal(new Set(body.items.map(({ digest }) => digest)).size, 1)
  }
  t.equal(await three!.gateway.stop(), 0)
  const { body } = await two!.gateway.admin<{ items: { id: string }[] }>('GET', '/instances')
  t.match(body.items, [{ id: 'one' }, { id: 'two' }])
  t.equal(body.items.length, 2)
  const begin = performance.now()
  t.equal((await one!.put('?wait=all&timeout_ms=10000', 'f')).status, 200)
  t.ok(performance.now() - begin < 5000, 'nobody waits for it')
})

t.test('a gateway with readers of its events ends at once, and they have read to the end', async t => {
  const gateway = await startGateway(t, { SLUICE_STORE: 'memory:' })
  const events = await fetch(`${gateway.adminUrl}/events`)
  const text = events.text()
  await gateway.admin('PUT', '/forward-rules/r', rule('a'))
  const begin = performance.now()
  t.equal(await gateway.stop(), 0)
  t.ok(performance.now() - begin < 3000)
  t.match(await text, /^event: commit\nid: 1\ndata: \{"revision":1,/m)
})
