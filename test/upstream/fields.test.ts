import t from 'tap'
import { nominatedBy, requestFieldOf } from '../../src/upstream/fields.ts'

t.test('names are told apart whatever their case', async t => {
  for (const name of ['Transfer-Encoding', 'transfer-encoding', 'TRANSFER-ENCODING'])
    t.same(requestFieldOf(name), { name: 'transfer-encoding', use: 'drop' })
  t.same(requestFieldOf('X-Forwarded-Prefix'), { name: 'x-forwarded-prefix', use: 'forwarded' })
  t.same(requestFieldOf('X-Forwarded'), { name: 'x-forwarded', use: 'pass' })
  for (const name of ['constructor', '__proto__', 'toString']) t.equal(requestFieldOf(name).use, 'pass')
})

t.test('made-up names are told apart too, when there are very many of them', async t => {
  const names = Array.from({ length: 5_000 }, (_, index) => `X-${index}`)
  t.same(
    names.map(name => requestFieldOf(name).name),
    names.map(name => name.toLowerCase())
  )
  t.equal(requestFieldOf('Keep-Alive').use, 'drop')
})

t.test('a Connection field that nominates nothing costs nothing', async t => {
  t.equal(nominatedBy('keep-alive'), undefined)
  t.equal(nominatedBy('Close'), undefined)
  t.same([...nominatedBy('Foo , close,Host, content-length')!], ['foo', 'close'])
})
