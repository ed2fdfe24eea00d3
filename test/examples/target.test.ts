/** The demo target of the examples and of docker-compose.yml. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { cleanEnv } from '../helpers/clean-env.ts'

const file = fileURLToPath(new URL('../../examples/target.mjs', import.meta.url))

t.test('the demo target says where it listens, answers with what arrived, and ends on SIGTERM', async t => {
  const env = { ...cleanEnv(), PORT: '0', HOST: '127.0.0.1', NAME: 'users' }
  const child = spawn(process.execPath, [file], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const url = /^users listens on (http:\S+)\n$/.exec(line.toString())?.[1]
  const response = await fetch(`${url}/users/7?x=1`, { method: 'POST', headers: { 'x-team': 'a', connection: 'close' }, body: 'hello' })
  t.match(await response.json(), { target: 'users', method: 'POST', url: '/users/7?x=1', headers: { 'x-team': 'a' }, body: 'hello' })
  child.kill('SIGTERM')
  t.same(await once(child, 'exit'), [0, null])
})
