import t from 'tap'
import { makeFacts } from './make.ts'

t.test('a header is read by its name in lower case, repeated ones joined', async t => {
  const facts = makeFacts('/', { headers: { 'x-a': '1', 'x-b': ['1', '2'], 'x-c': undefined } })
  t.equal(facts.header('x-a'), '1')
  t.equal(facts.header('x-b'), '1, 2')
  t.equal(facts.header('x-c'), undefined)
  t.equal(facts.header('x-d'), undefined)
})

t.test('what every object inherits is no header, parameter or cookie', async t => {
  const facts = makeFacts('/?a=1', { headers: { cookie: 'a=1' } })
  for (const name of ['constructor', '__proto__', 'toString', 'hasOwnProperty']) {
    t.equal(facts.header(name), undefined, name)
    t.same(facts.queryValues(name), [], name)
    t.equal(facts.cookie(name), undefined, name)
  }
})

t.test('query values are decoded and keep their order', async t => {
  const facts = makeFacts('/?a=1&b=x%20y+z&a=2&c&%64=4&e=%zz')
  t.same(facts.queryValues('a'), ['1', '2'])
  t.same(facts.queryValues('b'), ['x y z'])
  t.same(facts.queryValues('c'), [''])
  t.same(facts.queryValues('d'), ['4'])
  t.same(facts.queryValues('e'), ['%zz'], 'a bad escape stays as it is')
  t.same(facts.queryValues('f'), [])
  t.equal(facts.search, '?a=1&b=x%20y+z&a=2&c&%64=4&e=%zz')
  t.same(makeFacts('/').queryValues('a'), [])
  t.same(makeFacts('/?').queryValues('a'), [])
})

t.test('of two cookies with one name the first counts', async t => {
  const facts = makeFacts('/', { headers: { cookie: 'a=1; b="x y";a=2; c=d=e; lonely; =v; q="' } })
  t.equal(facts.cookie('a'), '1')
  t.equal(facts.cookie('b'), 'x y')
  t.equal(facts.cookie('c'), 'd=e')
  t.equal(facts.cookie('lonely'), undefined)
  t.equal(facts.cookie('q'), '"')
  t.equal(makeFacts('/').cookie('a'), undefined)
})

t.test('the address is parsed on demand', async t => {
  t.same(makeFacts('/', { ip: '0.0.1.2' }).ipWords, [258])
  t.equal(makeFacts('/', { ip: 'x' }).ipWords, undefined)
})
