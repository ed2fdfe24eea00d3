import t from 'tap'
import { parse } from 'yaml'
import { startAdmin } from '../helpers/admin.ts'

t.test('/ sends a browser to Swagger UI and tells others where things are', async t => {
  const { call } = await startAdmin(t)
  const browser = await call('GET', '/', undefined, { accept: 'text/html,*/*' })
  t.match(browser, { status: 302, headers: { location: '/docs' } })
  const { body } = await call('GET', '/')
  // Of events there is no end.
  for (const path of Object.values<string>(body.links).filter(path => path !== '/events'))
    t.equal((await call('GET', path)).status, 200, path)
})

t.test('the OpenAPI document is served as JSON and as YAML', async t => {
  const { call } = await startAdmin(t)
  const json = await call('GET', '/openapi.json')
  t.equal(json.body.openapi, '3.1.0')
  const yaml = await call('GET', '/openapi.yaml')
  t.match(yaml.headers['content-type'], /^application\/yaml/)
  t.strictSame(parse(yaml.body), json.body)
})

t.test('HEAD answers as GET does, without the body', async t => {
  const { call } = await startAdmin(t)
  const { headers, body } = await call('GET', '/status')
  t.ok(body.node_version)
  const head = await call('HEAD', '/status')
  t.match(head, { status: 200, headers: { 'content-type': headers['content-type'] }, body: '' })
})
