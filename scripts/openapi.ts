/**
 * Writes `openapi.yaml` from the routes: `npm run openapi`. With `--check` it writes nothing, fails when the file is stale, and lints it.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openapiText } from './openapi-text.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const file = `${root}openapi.yaml`
const text = await openapiText()

if (!process.argv.includes('--check')) {
  writeFileSync(file, text)
  console.log(`wrote openapi.yaml (${text.split('\n').length} lines)`)
} else if (text !== read(file)) {
  console.error('openapi.yaml is stale: run `npm run openapi` and commit the result')
  process.exitCode = 1
} else {
  process.exitCode = lint()
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Runs Redocly on the file; says only what is wrong. It must not call home, neither for telemetry nor for news of itself. */
function lint(): number {
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', NO_COLOR: '1' }
  const cli = `${root}node_modules/@redocly/cli/bin/cli.js`
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, 'lint', 'openapi.yaml', '--format=stylish'], {
    cwd: root,
    env,
    encoding: 'utf8'
  })
  const isClean = status === 0 && !/\bwarning/i.test(stdout + stderr)
  if (!isClean) console.error(stdout + stderr)
  return isClean ? 0 : 1
}
