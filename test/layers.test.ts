/** The direction of imports (`docs/design.md`): each layer may import itself and what stands above it in this list, never below. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('..', import.meta.url))

/** In order; layers on one line are siblings and do not import each other. */
const layers = [
  ['schemas/'],
  ['src/errors.ts', 'src/version.ts'],
  ['src/core/'],
  ['src/etcd/'],
  ['src/stores/', 'src/discovery/', 'src/upstream/', 'src/regex/'],
  ['src/limits/'],
  ['src/control/'],
  ['plugins/'],
  ['routes/'],
  ['src/app.ts', 'src/proxy-app.ts', 'src/setting-values.ts'],
  ['src/settings.ts'],
  ['src/listen.ts'],
  ['src/parts.ts'],
  ['src/main.ts'],
  ['src/command.ts'],
  ['src/cli.ts']
]

const sources = ['schemas', 'src', 'plugins', 'routes'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => name.endsWith('.ts'))
    .map(name => join(folder, name))
)

function layerOf(file: string): [rank: number, name: string] {
  for (const [rank, names] of layers.entries()) {
    const name = names.find(name => file === name || file.startsWith(name))
    if (name !== undefined) return [rank, name]
  }
  throw new Error(`${file} stands in no layer of test/layers.test.ts`)
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  const statements = text.matchAll(/^(?:import|export)\b[^'"]*?\bfrom '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)
  return [...statements].map(match => (match[1] ?? match[2] ?? match[3])!)
}

t.test('no import points back', async t => {
  t.ok(sources.length > 10)
  for (const file of sources) {
    const [rank, layer] = layerOf(file)
    for (const specifier of importsOf(file).filter(name => name.startsWith('.'))) {
      t.match(specifier, /\.(ts|json)$/, `${file}: '${specifier}' has its ending`)
      const imported = relative(root, join(root, dirname(file), specifier))
      if (imported === 'package.json') continue
      const [importedRank, importedLayer] = layerOf(imported)
      t.ok(importedRank < rank || importedLayer === layer, `${file} may import ${imported}`)
    }
  }
})

t.test('schemas and core stay pure', async t => {
  for (const file of sources) {
    const outside = importsOf(file).filter(name => !name.startsWith('.'))
    if (file.startsWith('src/core/')) t.same(outside, [], `${file} imports nothing from outside`)
    if (file.startsWith('schemas/'))
      t.same(
        outside.filter(name => name !== 'typebox'),
        [],
        `${file} imports typebox only`
      )
  }
})

t.test('no import goes in a circle', async t => {
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) return void t.fail(`circle: ${[...path, file].join(' -> ')}`)
    if (done.has(file)) return
    done.add(file)
    for (const specifier of importsOf(file).filter(name => name.startsWith('.') && name.endsWith('.ts')))
      visit(relative(root, join(root, dirname(file), specifier)), [...path, file])
  }
  for (const file of sources) visit(file, [])
  t.pass('none found')
})
