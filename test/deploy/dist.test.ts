/** The steps of the Dockerfile as plain processes: production dependencies only, the compiled `dist`, its own commands. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { cleanEnv, nodeCommand } from '../helpers/clean-env.ts'
import { environment, execForm, instructions, root } from './dockerfile.ts'

const run = promisify(execFile)
const checkout = fileURLToPath(root)

/** A folder like the image's /app. Outside the checkout: nothing of its node_modules can be found by accident. */
async function buildApp(): Promise<string> {
  const app = mkdtempSync(join(tmpdir(), 'sluice-dist-'))
  t.teardown(() => rmSync(app, { recursive: true, force: true }))
  for (const file of ['package.json', 'package-lock.json', '.npmrc']) copyFileSync(join(checkout, file), join(app, file))
  await Promise.all([
    run(...nodeCommand(['scripts/build.ts', '--out-dir', join(app, 'dist')]), { cwd: checkout, env: cleanEnv() }),
    run('npm', ['ci', '--omit=dev', '--omit=optional', '--ignore-scripts', '--prefer-offline'], { cwd: app, env: cleanEnv() })
  ])
  return app
}

interface Started {
  readonly child: ChildProcess
  readonly proxy: string
  readonly admin: string
}

/** Starts what ENTRYPOINT and CMD say, on free ports, and reads from its log where it listens. */
async function start(app: string): Promise<Started> {
  const command = [...execForm(instructions('ENTRYPOINT')[0])!, ...execForm(instructions('CMD')[0])!]
  const ports = { SLUICE_HOST: '127.0.0.1', SLUICE_PORT: '0', SLUICE_ADMIN_PORT: '0' }
  // What the image keeps in /data.
  const folders = { SLUICE_STORE: `file:${join(app, 'sluice.yaml')}`, SLUICE_DATA_DIR: app }
  const env = { PATH: process.env.PATH, ...environment(), ...ports, ...folders }
  const child = spawn(...nodeCommand(command.slice(1)), { cwd: app, env, stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  for await (const line of createInterface(child.stdout)) {
    const { proxy, admin } = JSON.parse(line) as { proxy?: string; admin?: string }
    if (proxy === undefined || admin === undefined) continue
    return { child, proxy, admin }
  }
  throw new Error('it ended before it listened')
}

/** The exit code of the image's health check. */
async function healthCheck(app: string, admin: string): Promise<number> {
  const [, ...args] = execForm(instructions('HEALTHCHECK')[0])!
  const env = { PATH: process.env.PATH, SLUICE_ADMIN_PORT: new URL(admin).port }
  const child = spawn(process.execPath, args, { cwd: app, env, stdio: 'ignore' })
  const [code] = (await once(child, 'exit')) as [number]
  return code
}

async function startTarget(): Promise<string> {
  const server = createServer((request, response) => response.end(`target saw ${request.url}`)).listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('what the image holds starts, reports health, forwards, and ends on SIGTERM', async t => {
  const app = await buildApp()
  const { child, proxy, admin } = await start(app)
  t.equal((await fetch(`${admin}/health`)).status, 200)
  t.equal(await healthCheck(app, admin), 0, 'the image’s health check agrees')

  const created = await fetch(`${admin}/forward-rules`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id: 'r1', path: '/api', target: await startTarget() })
  })
  t.equal(created.status, 201)
  t.equal(await (await fetch(`${proxy}/api/x?y=1`)).text(), 'target saw /api/x?y=1')

  child.kill('SIGTERM')
  t.same(await once(child, 'exit'), [0, null])
  t.equal(await healthCheck(app, admin), 1, 'the image’s health check tells when it is gone')
})
