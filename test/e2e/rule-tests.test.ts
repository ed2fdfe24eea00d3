/** Tests of rules in `sluice.yaml`: what an edit by hand breaks is served and reported, what a write would break is refused. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startGateway, tempFolder } from '../helpers/gateway.ts'

const api = `forward_rules:
  - id: api
    path: /api
    respond: { body: api }
    tests:
      - { request: { url: /api/users }, expect: { rule: api } }
`
const users = '  - { id: users, path: /api/users, respond: { body: users } }\n'

t.test('an edit that breaks a test is served, logged once and listed until it is mended', async t => {
  const folder = tempFolder(t)
  const file = join(folder, 'sluice.yaml')
  writeFileSync(file, api)
  const gateway = await startGateway(t, {}, folder)
  const bodyOf = async (path: string) => (await fetch(gateway.proxyUrl + path)).text()
  const problems = async () => (await gateway.admin<{ items: { id: string }[] }>('GET', '/config/problems')).body.items
  const failures = () => gateway.log.filter(line => line.code === 'expectation_failed')
  const save = async (text: string): Promise<void> => {
    const { body } = await gateway.admin<{ config: { revision: number } }>('GET', '/status')
    writeFileSync(file, text)
    await gateway.logged(line => line.msg === 'configuration applied' && Number(line.revision) > body.config.revision)
  }
  t.same(await problems(), [])

  await save(api + users)
  t.match(await gateway.logged(line => line.code === 'expectation_failed'), {
    kind: 'forward_rule',
    id: 'api',
    faults: [{ pointer: '/tests/0' }]
  })
  t.equal(await bodyOf('/api/users'), 'users', 'nothing is held back')
  t.match(await problems(), [
    { id: 'api', code: 'expectation_failed', previous_live: true, errors: [{ pointer: '/tests/0', detail: /rule 'users'/ }] }
  ])

  await save(`${api}${users}  - { id: other, path: /other, respond: { body: other } }\n`)

  const refused = await gateway.admin('PATCH', '/forward-rules/api', { priority: -1 })
  t.match(refused, { status: 422, body: { code: 'expectation_failed' } })
  t.equal((await gateway.admin('PATCH', '/forward-rules/other', { respond: { body: 'changed' } })).status, 200, 'others can be written')
  t.match(readFileSync(file, 'utf8'), 'expect: { rule: api }')

  await save(api)
  t.same(await problems(), [])
  t.equal(await bodyOf('/api/users'), 'api')
  t.equal(failures().length, 1, 'what other changes left as it was is not told again')
})

t.test('a file whose tests fail from the start is served and reported', async t => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'sluice.yaml'), api + users)
  const gateway = await startGateway(t, {}, folder)
  t.match(await gateway.logged(line => line.code === 'expectation_failed'), { id: 'api' })
  t.equal(await (await fetch(`${gateway.proxyUrl}/api/users`)).text(), 'users')
  t.equal((await gateway.admin('GET', '/ready')).status, 200)
})
