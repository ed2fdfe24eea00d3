/**
 * `npm run build`: compiles to `dist/`, which is what an image and the published package run: Node strips types, but not below
 * `node_modules`. Files beside the sources that are not TypeScript (Lua scripts) are copied to the same place.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, rmSync, statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values } = parseArgs({ options: { 'out-dir': { type: 'string', default: 'dist' } } })
const outDir = resolve(root, values['out-dir'])

/** The same as `include` of tsconfig.build.json. */
const folders = ['schemas', 'src', 'plugins', 'routes']

/** Whether tsc found nothing wrong. It says itself what it found. */
function compile(): boolean {
  const tsc = fileURLToPath(new URL('bin/tsc', import.meta.resolve('typescript/package.json')))
  try {
    execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', outDir], { cwd: root, stdio: 'inherit' })
    return true
  } catch {
    return false
  }
}

function copyAssets(): void {
  const isAsset = (file: string) => statSync(file).isDirectory() || !file.endsWith('.ts')
  for (const folder of folders) cpSync(join(root, folder), join(outDir, folder), { recursive: true, filter: isAsset })
}

if (!relative(outDir, root).startsWith('..')) throw new Error(`--out-dir ${outDir} holds the sources, and would be emptied`)
rmSync(outDir, { recursive: true, force: true })
if (compile()) {
  copyAssets()
  chmodSync(join(outDir, 'src/cli.js'), 0o755)
} else {
  process.exitCode = 1
}
