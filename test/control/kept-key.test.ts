/** What is write-only stays in the store when what was answered is written back, and is in nothing that is shown. */
import t from 'tap'
import { keepKeys, withKeptKey, withoutSecrets } from '../../src/control/kept-key.ts'
import { createItemParser } from '../../src/control/parse-item.ts'
import { ConfigState } from '../../src/core/config-state.ts'

const consul = { type: 'consul', address: 'http://127.0.0.1:8500', service: 'users' }
const stored = { id: 's', discovery: { ...consul, token: 'secret' } }
const put = (item: unknown) => ({ op: 'put' as const, kind: 'service' as const, id: 's', item })
const state = ConfigState.empty.apply({ revision: 1, changes: [{ ...put(stored), seq: 1 }] }, createItemParser('strict'))

/** What would be stored if `discovery` were written. */
function keptOf(discovery: object): unknown {
  const [planned] = keepKeys(state, [{ change: put({ id: 's', discovery }), pointer: '' }])
  return planned?.change.op === 'put' ? planned.change.item : undefined
}

t.test('a secret of discovery is not shown', async t => {
  t.same(withoutSecrets('service', stored), { id: 's', discovery: consul })
  t.same(state.get('service', 's')?.item, { ...(state.get('service', 's')?.item as object), discovery: consul })
})

t.test('a service that is written back without its secret keeps it', async t => {
  t.same(keptOf(consul), stored)
  t.same(withKeptKey(state, { kind: 'service', id: 's' }, { id: 's', discovery: consul }), stored)
  t.same(keptOf({ ...consul, service: 'orders' }), { id: 's', discovery: { ...consul, service: 'orders', token: 'secret' } })
})

t.test('a secret goes to no other server than the one it was given for', async t => {
  const elsewhere = { ...consul, address: 'http://10.0.0.66:8500' }
  t.same(keptOf(elsewhere), { id: 's', discovery: elsewhere })
})

t.test('a secret that is written replaces the stored one', async t => {
  t.same(keptOf({ ...consul, token: 'other' }), { id: 's', discovery: { ...consul, token: 'other' } })
})
