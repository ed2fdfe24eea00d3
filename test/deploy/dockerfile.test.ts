/** What the Dockerfile promises, read from its text: there is no Docker engine here. `dist.test.ts` runs its steps as processes. */
import { existsSync, readFileSync } from 'node:fs'
import type { Copy } from 'dockerfile-ast'
import t from 'tap'
import { readSettings } from '../../src/settings.ts'
import { dockerfile, environment, execForm, instructions, root, stages } from './dockerfile.ts'

t.test('the image is built in stages and holds no toolchain', async t => {
  const [build, runtime] = stages()
  t.equal(stages().length, 2)
  const [from] = dockerfile.getFROMs()
  t.equal(from?.getBuildStage(), 'build')
  const linesOf = (stage: typeof build) => stage?.map(instruction => instruction.toString()).join('\n') ?? ''
  t.match(linesOf(build), /npm run build/)
  t.match(linesOf(runtime), /npm ci --omit=dev/)
  t.match(linesOf(runtime), /COPY --from=build \/build\/dist/)
  t.notMatch(linesOf(runtime), /npm run build/)
})

t.test('every base image is pinned to the Node that is developed on', async t => {
  const major = readFileSync(new URL('.node-version', root), 'utf8').trim()
  for (const from of dockerfile.getFROMs()) {
    t.equal(from.getImageName(), 'node')
    t.equal(from.getImageTag(), `${major}-slim`)
  }
})

t.test('it does not run as root', async t => {
  const runtime = stages().at(-1)!
  const keywords = runtime.map(instruction => instruction.getKeyword())
  t.equal(instructions('USER').at(-1)?.getArgumentsContent(), 'node')
  t.ok(keywords.indexOf('USER') > keywords.lastIndexOf('RUN'), 'what needs root comes before')
})

t.test('signals and health checks reach node itself, without a shell or curl', async t => {
  t.same(execForm(instructions('ENTRYPOINT')[0]), ['node', 'dist/src/cli.js'])
  t.same(execForm(instructions('CMD')[0]), ['start'])
  t.equal(execForm(instructions('HEALTHCHECK')[0])?.[0], 'node')
})

t.test('what it copies is there, and is not kept out by .dockerignore', async t => {
  const lines = readFileSync(new URL('.dockerignore', root), 'utf8').split('\n')
  const admitted = new Set(lines.filter(line => line.startsWith('!')).map(line => line.slice(1)))
  t.equal(
    lines.find(line => line !== '' && !line.startsWith('#')),
    '*',
    'nothing enters the build unless it is named'
  )
  const copies = dockerfile.getCOPYs().filter((copy: Copy) => copy.getFromFlag() === null)
  const sources = new Set(
    copies.flatMap(copy =>
      copy
        .getArguments()
        .slice(0, -1)
        .map(argument => argument.getValue())
    )
  )
  t.ok(sources.size > 5)
  for (const source of sources) t.ok(existsSync(new URL(source, root)), `${source} is there`)
  t.same([...sources].sort(), [...admitted].sort())
})

t.test('both planes are exposed and the settings are ones that the gateway knows', async t => {
  t.equal(instructions('EXPOSE')[0]?.getArgumentsContent(), '80 9000')
  const settings = readSettings(environment())
  t.same(settings.unknown, [])
  t.equal(settings.port, 80, 'asked for by name: no silent fallback to 8080')
  t.match(settings.store, /^file:\/data\//)
  t.match(settings.dataDir, /^\/data\b/)
  t.equal(instructions('VOLUME')[0]?.getArgumentsContent(), '/data')
})

t.test('no secret is baked in', async t => {
  const names = [...Object.keys(environment()), ...dockerfile.getARGs().map(arg => arg.getProperty()?.getName() ?? '')]
  t.same(
    names.filter(name => /TOKEN|SECRET|PASSWORD|KEY/i.test(name)),
    []
  )
})
