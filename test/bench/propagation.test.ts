/** `npm run bench:propagation` measures what it says it measures. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { cleanEnv, nodeCommand } from '../helpers/clean-env.ts'

const bench = fileURLToPath(new URL('../../bench/propagation.ts', import.meta.url))
const run = (...args: string[]) => {
  const [file, all] = nodeCommand(['--no-warnings', bench, ...args])
  return promisify(execFile)(file, all, { env: cleanEnv() })
}

t.test('a short run follows every write, and the times are in order', async t => {
  const { stdout } = await run('--writes', '50', '--instances', '3')
  const rows = stdout.split('\n').filter(line => /^\| \d/.test(line))
  t.equal(rows.length, 1)
  for (const row of rows) {
    const cells = row.split('|').map(cell => Number.parseFloat(cell))
    const [, instances, writes, p50, p99, max, appliedP50, appliedP99, , , lost] = cells
    t.same([instances, writes, lost], [3, 50, 0])
    t.ok(0 < p50! && p50! <= p99! && p99! <= max! + 1, row)
    t.ok(appliedP50! <= p50! + 1 && appliedP99! <= p99! + 1, 'what is visible was applied')
  }
})

t.test('one instance has no other to follow it', async t => {
  await t.rejects(run('--instances', '1'), /bench:propagation/)
})
