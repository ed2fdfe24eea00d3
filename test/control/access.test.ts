import t from 'tap'
import { createTokenLookup, mayAct } from '../../src/control/access.ts'

t.test('a token finds its caller, and only the whole token does', async t => {
  const lookup = createTokenLookup([
    { name: 'ci', role: 'editor', token: 'secret-1' },
    { name: 'grafana', role: 'viewer', token: 'secret-22' }
  ])
  t.same(lookup('secret-1'), { name: 'ci', role: 'editor' })
  t.same(lookup('secret-22'), { name: 'grafana', role: 'viewer' })
  for (const wrong of ['', 'secret-', 'secret-2', 'SECRET-1', 'secret-1 ']) t.equal(lookup(wrong), undefined, wrong)
})

t.test('each role may do all that the lesser ones may', async t => {
  t.equal(mayAct('viewer', 'viewer'), true)
  t.equal(mayAct('viewer', 'editor'), false)
  t.equal(mayAct('editor', 'viewer'), true)
  t.equal(mayAct('editor', 'admin'), false)
  t.equal(mayAct('admin', 'admin'), true)
})
