/** Reads the Dockerfile for the tests: what it is made of, and the commands it runs, so that they can be run without Docker. */
import { readFileSync } from 'node:fs'
import { type Dockerfile, DockerfileParser, type Instruction } from 'dockerfile-ast'

export const root: URL = new URL('../..', import.meta.url)

export const dockerfile: Dockerfile = DockerfileParser.parse(readFileSync(new URL('Dockerfile', root), 'utf8'))

export function instructions(keyword: string): Instruction[] {
  return dockerfile.getInstructions().filter(instruction => instruction.getKeyword() === keyword)
}

/** The instructions of each stage, in order; each begins with its FROM. */
export function stages(): Instruction[][] {
  const found: Instruction[][] = []
  for (const instruction of dockerfile.getInstructions()) {
    if (instruction.getKeyword() === 'FROM') found.push([])
    found.at(-1)?.push(instruction)
  }
  return found
}

/** The words of an exec form: `["node", "x.js"]`. Undefined for a shell form. */
export function execForm(instruction: Instruction | undefined): string[] | undefined {
  const list = /\[.*\]\s*$/s.exec(instruction?.getRawArgumentsContent() ?? '')
  if (list === null) return undefined
  return JSON.parse(list[0]) as string[]
}

/** What ENV sets, in all stages. */
export function environment(): Record<string, string> {
  const pairs = dockerfile.getENVs().flatMap(env => env.getProperties())
  return Object.fromEntries(pairs.map(pair => [pair.getName(), pair.getValue() ?? '']))
}
