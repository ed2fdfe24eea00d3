import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t from 'tap'
import { openRegistration, type Registration, toRegistration } from '../../src/discovery/consul-registration.ts'
import type { Teardown } from '../helpers/gateway.ts'

interface Agent {
  readonly address: string
  /** Service id to what was registered. */
  readonly services: Map<string, Record<string, unknown>>
  /** Resolves with the next call whose path begins so. */
  called(path: string): Promise<string>
}

/** The agent API of Consul: https://developer.hashicorp.com/consul/api-docs/agent/service#register-service */
async function startAgent(t: Teardown): Promise<Agent> {
  const services = new Map<string, Record<string, unknown>>()
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    const path = decodeURIComponent(request.url!.split('?')[0]!)
    const [, checked] = /^\/v1\/agent\/check\/(?:pass|fail)\/service:(.+)$/.exec(path) ?? []
    const [, gone] = /^\/v1\/agent\/service\/deregister\/(.+)$/.exec(path) ?? []
    if (path === '/v1/agent/service/register') services.set(JSON.parse(body).ID, JSON.parse(body))
    else if (gone !== undefined) services.delete(gone)
    else if (checked === undefined || !services.has(checked)) response.statusCode = 404
    response.end()
    server.emit('called', path)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const called = async (begin: string): Promise<string> => {
    for (;;) {
      const [path] = await once(server, 'called')
      if (path.startsWith(begin)) return path
    }
  }
  return { address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, services, called }
}

t.test('a gateway registers, comes back when it was forgotten, and leaves at the end', async t => {
  const agent = await startAgent(t)
  const registration: Registration = { address: agent.address, token: undefined, service: 'gateway', tags: ['edge'], host: '10.0.0.7' }
  const states: unknown[] = []
  let isReady = true
  const registered = agent.called('/v1/agent/check/pass')
  const open = openRegistration({ registration, instance: 'g1', port: 80, isReady: () => isReady, onState: state => states.push(state) })
  await registered
  await agent.called('/v1/agent/check/pass')
  t.match(agent.services.get('gateway-g1'), { Name: 'gateway', Tags: ['edge'], Port: 80, Address: '10.0.0.7', Check: { TTL: '15s' } })
  agent.services.clear()
  await agent.called('/v1/agent/service/register')
  t.ok(agent.services.has('gateway-g1'), 'it is there again')
  isReady = false
  await agent.called('/v1/agent/check/fail')
  await open.close()
  t.equal(agent.services.size, 0)
  t.same(states, [undefined], 'it was well all the time')
})

t.test('the setting is read, and what it cannot be is said without the token', async t => {
  t.same(toRegistration('consul://s3cret@127.0.0.1/gateway?tags=a,b&address=10.0.0.7'), {
    address: 'http://127.0.0.1:8500',
    token: 's3cret',
    service: 'gateway',
    tags: ['a', 'b'],
    host: '10.0.0.7'
  })
  t.equal(toRegistration('consul://consul:8501/gw').address, 'http://consul:8501')
  for (const text of ['consul://s3cret@host', 'http://s3cret@host/x', 'consul://s3cret@host/x?other=1'])
    t.throws(() => toRegistration(text), { message: /^(?!.*s3cret)/ }, text)
})
