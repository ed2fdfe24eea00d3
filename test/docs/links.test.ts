/** Every file that the documentation points to is there, and so is every heading. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pages = [
  ...['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'].map(name => join(root, name)),
  ...readdirSync(join(root, 'docs'))
    .filter(name => name.endsWith('.md'))
    .map(name => join(root, 'docs', name))
]

/** As GitHub makes them of headings. */
function anchorsOf(page: string): string[] {
  const headings = readFileSync(page, 'utf8').matchAll(/^#+ (.+)$/gm)
  return [...headings].map(([, text]) =>
    text!
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-')
  )
}

t.test('no link of a page leads nowhere', async t => {
  t.ok(pages.length >= 8)
  for (const page of pages) {
    const links = readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)\s#]*)(?:#([^)\s]+))?\)/g)
    for (const [link, path, anchor] of links) {
      const target = path === '' ? page : join(dirname(page), path!)
      t.ok(existsSync(target), `${relative(root, page)}: ${link}`)
      if (anchor !== undefined) t.ok(anchorsOf(target).includes(anchor), `${relative(root, page)}: ${link} has its heading`)
    }
  }
})

t.test('every file that CONTRIBUTING.md names is there', async t => {
  const text = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
  const names = [...text.matchAll(/(?:`|\bnode )((?:src|schemas|plugins|routes|test|docs|examples|scripts)\/[\w./-]*\w)/g)].map(
    match => match[1]!
  )
  t.ok(names.length > 10)
  // Those with capitals stand for what the reader adds.
  for (const name of names.filter(name => !/[A-Z]{3}/.test(name))) t.ok(existsSync(join(root, name)), name)
})
