/** Whoever opens a body that is kept gets it from its first byte to its last, in whatever pieces it comes and goes. */
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import t from 'tap'
import { keptBytes, RepeatableBody } from '../../src/upstream/repeatable-body.ts'
import { RequestBody } from '../../src/upstream/request-body.ts'

const limits = { maxBytes: null, sendMs: 60_000, clientStallMs: 60_000, clientRate: undefined }

function start() {
  const source = new IncomingMessage(new Socket())
  const faults: Error[] = []
  const body = new RepeatableBody(new RequestBody(source, limits, fault => faults.push(fault)))
  return { source, body, faults }
}

/** Reads as undici does, and stops now and then: after every `every` chunks it pauses for a turn. */
function read(body: RepeatableBody, every = Number.POSITIVE_INFINITY) {
  const stream = body.open()
  const seen: Buffer[] = []
  const state = { text: () => Buffer.concat(seen).toString('latin1'), hasEnded: false, stream }
  stream.on('data', (chunk: Buffer) => {
    seen.push(chunk)
    if (seen.length % every !== 0) return
    stream.pause()
    setImmediate(() => stream.resume())
  })
  stream.on('end', () => {
    state.hasEnded = true
  })
  stream.resume()
  return state
}

async function settle(): Promise<void> {
  for (let count = 0; count < 60; count++) await turn()
}

t.test('every reader gets the whole body in order, whenever it begins and however it stops and goes on', async () => {
  const pieces = fc.array(fc.string({ minLength: 1, maxLength: 50, unit: fc.constantFrom('a', 'b', 'c') }), { minLength: 1, maxLength: 20 })
  const readers = fc.array(fc.record({ at: fc.nat(20), every: fc.integer({ min: 1, max: 4 }) }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(pieces, readers, async (list, starts) => {
      const { source, body, faults } = start()
      let reader = read(body, 1)
      for (let index = 0; index <= 20; index++) {
        for (const { at, every } of starts) if (at === index) reader = read(body, every)
        if (index < list.length) source.push(Buffer.from(list[index]!))
        if (index === list.length) source.push(null)
        await turn()
      }
      await settle()
      return reader.text() === list.join('') && reader.hasEnded && faults.length === 0
    }),
    { numRuns: 60 }
  )
})

t.test('a reader that was followed by another one gets no more', async t => {
  const { source, body } = start()
  const first = read(body)
  source.push('one ')
  await settle()
  const second = read(body)
  source.push('two')
  source.push(null)
  await settle()
  t.same([first.text(), first.hasEnded, first.stream.destroyed], ['one ', false, true])
  t.same([second.text(), second.hasEnded], ['one two', true])
})

t.test('past the bound a body cannot be repeated, and goes on to whoever has it', async t => {
  const { source, body } = start()
  const reader = read(body)
  source.push(Buffer.alloc(keptBytes, 'x'))
  await settle()
  t.ok(body.isRepeatable)
  source.push('y')
  await settle()
  t.notOk(body.isRepeatable)
  source.push('z')
  source.push(null)
  await settle()
  t.equal(reader.text(), `${'x'.repeat(keptBytes)}yz`)
  t.ok(reader.hasEnded)
})

t.test('while nobody reads the client is not read, nor hurried', async t => {
  const { source, body } = start()
  const reader = read(body)
  source.push('one')
  await settle()
  reader.stream.destroy()
  source.push('two')
  await settle()
  t.ok(source.isPaused())
  const next = read(body)
  source.push(null)
  await settle()
  t.equal(next.text(), 'onetwo')
})

t.test('once committed the rest of a body that nobody wants is dropped, and the connection lives on', async t => {
  const { source, body } = start()
  const reader = read(body)
  source.push('one')
  await settle()
  body.commit()
  source.push('two')
  await settle()
  t.equal(reader.text(), 'onetwo')
  reader.stream.destroy()
  source.push('three')
  source.push(null)
  await settle()
  t.ok(source.readableEnded)
  t.equal(reader.text(), 'onetwo')
})

t.test('what is destroyed before anybody read it is dropped', async t => {
  const { source, body } = start()
  body.destroy()
  source.push('one')
  source.push(null)
  await settle()
  t.ok(source.readableEnded)
})
