import t from 'tap'
import { ForwardRuleWriteSchema } from '../../schemas/forward-rule.ts'
import { ServiceWriteSchema } from '../../schemas/service.ts'
import { toFaults, toValidator } from '../../src/control/schema-faults.ts'

const validateRule = toValidator(ForwardRuleWriteSchema)
const faultsOf = (value: unknown, validate = validateRule) => (validate(value) ? [] : toFaults(validate.errors ?? []))

t.test('an unknown field and a wrong type are faults at their place', async t => {
  t.same(faultsOf({ wieght: 5 }), [{ pointer: '/wieght', detail: 'is not a known field' }])
  t.same(faultsOf({ priority: '10' }), [{ pointer: '/priority', detail: 'must be integer' }], 'nothing is coerced')
  t.same(faultsOf({ labels: { 'a b': 'x' } }), [{ pointer: '/labels/a b', detail: 'is not a known field' }])
  t.same(faultsOf({ path_type: 'glob' }), [{ pointer: '/path_type', detail: 'must be one of: prefix, exact, template, regex' }])
})

t.test('a value of none of the allowed forms is one fault', async t => {
  t.match(faultsOf({ headers: { a: 7 } }), [{ pointer: '/headers/a', detail: /^has none of the allowed forms: A string to equal/ }])
  t.equal(faultsOf({ headers: { a: 7 } }).length, 1)
  t.equal(faultsOf({ headers: { a: { regexp: 'x' } } }).length, 1)
  t.equal(faultsOf({ host: 7 }).length, 1)
  t.equal(faultsOf({ strip_prefix: 'yes' }).length, 1)
})

t.test('a fault inside the right form is named where it is', async t => {
  t.match(faultsOf({ methods: ['GET', 7] }), [{ pointer: '/methods/1' }])
  t.match(faultsOf({ active: { from: 'yesterday' } }), [{ pointer: '/active/from', detail: /RFC 3339/ }])
  t.match(faultsOf({ weight: 1001 }), [{ pointer: '/weight', detail: /<= 1000/ }])
  t.match(faultsOf({ request_headers: { set: { 'x-a': 'b\r\nevil: 1' } } }), [{ pointer: '/request_headers/set/x-a' }])
})

t.test('several faults are all named', async t => {
  t.same(
    faultsOf({ a: 1, b: 2, priority: 'x' })
      .map(fault => fault.pointer)
      .sort(),
    ['/a', '/b', '/priority']
  )
})

t.test('a hostile body gets a bounded answer', async t => {
  t.equal(faultsOf(Object.fromEntries(Array.from({ length: 10_000 }, (_, at) => [`f${at}`, 1]))).length, 50)
})

t.test('a field called __proto__ is unknown like any other', async t => {
  t.same(faultsOf(JSON.parse('{"__proto__": {"enabled": false}}')), [{ pointer: '/__proto__', detail: 'is not a known field' }])
})

t.test('faults in a list of objects carry the index', async t => {
  t.match(faultsOf({ targets: [{ url: 'http://a' }, { weight: 1 }] }, toValidator(ServiceWriteSchema)), [
    { pointer: '/targets/1/url', detail: 'is required' }
  ])
})
