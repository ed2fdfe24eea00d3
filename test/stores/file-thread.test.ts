import t from 'tap'
import type { StoredItem } from '../../src/core/change.ts'
import { createFileThread } from '../../src/stores/file-thread.ts'
import { rulesText } from './file-dir.ts'

t.test('a thread that ends in the middle fails the call, and the next one goes on with the ages of the items', async t => {
  const items: StoredItem[] = [{ kind: 'forward_rule', id: 'b', item: { id: 'b', path: '/b', target: 'http://127.0.0.1:9' }, seq: 5 }]
  const thread = createFileThread('yaml', () => items)
  t.teardown(() => thread.close())
  const long = thread.read(rulesText(...Array.from({ length: 3_000 }, (_, index) => `r${index}`)))
  await Promise.all([t.rejects(long, { message: 'the thread that reads the file ended' }), thread.close()])
  const changes = await thread.read(rulesText('a', 'b'))
  t.match(changes, [{ op: 'put', id: 'a' }])
  t.equal(changes.length, 1)
  t.ok(changes[0]?.op === 'put' && changes[0].seq < 5)
})

t.test('an edit that has not been written is forgotten, one that has is what the file holds', async t => {
  const thread = createFileThread('json', () => [])
  t.teardown(() => thread.close())
  const text = '{"forward_rules": []}'
  await thread.read(text)
  const put = (id: string) => [{ op: 'put', kind: 'forward_rule', id, item: { id } }] as const
  await thread.edit(text, put('never'))
  const edit = await thread.edit(text, put('a'))
  t.notMatch(edit.text, /never/)
  t.match(await thread.read(edit.text), [{ op: 'put', id: 'a' }])
  t.same(await thread.read(edit.text), [])
  await t.rejects(thread.read('{'), { name: 'FileFormatError' })
  t.same(await thread.read(edit.text), [], 'a text that cannot be read changes nothing')
})
