import t from 'tap'
import { checkConditions, isNotModified, unconditional } from '../../src/control/preconditions.ts'

const current = '"abc"'
const failed = { code: 'PRECONDITION_FAILED', statusCode: 412 }
const ifMatch = (value: string) => ({ ...unconditional, ifMatch: value })
const ifNoneMatch = (value: string) => ({ ...unconditional, ifNoneMatch: value })

t.test('If-Match holds for the current tag, alone or in a list, and for *', async t => {
  for (const value of ['"abc"', '*', ' * ', '"x", "abc"', '"x,y" ,"abc"', ',,"abc",'])
    t.doesNotThrow(() => checkConditions(ifMatch(value), current), value)
})

t.test('If-Match fails for another tag, a weak one, and when nothing is there', async t => {
  for (const value of ['"x"', 'W/"abc"', '"a", "b"']) t.throws(() => checkConditions(ifMatch(value), current), failed, value)
  t.throws(() => checkConditions(ifMatch('*'), undefined), failed)
  t.throws(() => checkConditions(ifMatch('"abc"'), undefined), failed)
})

t.test('If-None-Match fails when something is there that it names, weak or not', async t => {
  for (const value of ['*', '"abc"', 'W/"abc"', '"x", W/"abc"']) t.throws(() => checkConditions(ifNoneMatch(value), current), failed, value)
  t.doesNotThrow(() => checkConditions(ifNoneMatch('"x"'), current))
  t.doesNotThrow(() => checkConditions(ifNoneMatch('*'), undefined), 'nothing is there')
  t.doesNotThrow(() => checkConditions(unconditional, current))
})

t.test('isNotModified compares weakly', async t => {
  t.equal(isNotModified('W/"abc"', current), true)
  t.equal(isNotModified('"x", "abc"', current), true)
  t.equal(isNotModified('*', current), true)
  t.equal(isNotModified('"x"', current), false)
  t.equal(isNotModified(undefined, current), false)
})

t.test('a field that is no list of entity tags is refused', async t => {
  for (const value of ['abc', '"abc', 'w/"abc"', '"a" "b"', '', ' ,', "'abc'"]) {
    t.throws(() => checkConditions(ifMatch(value), current), { code: 'BAD_REQUEST', statusCode: 400 }, value)
    t.throws(() => isNotModified(value, current), { code: 'BAD_REQUEST' }, value)
  }
})
