import { readFileSync, writeFileSync } from 'node:fs'

/** Puts a table between `<!-- bench:NAME -->` and `<!-- /bench:NAME -->` of a page in docs/. @throws {Error} when the page has no such place */
export function writeTable(page: string, name: string, table: string): void {
  const file = new URL(`../../docs/${page}`, import.meta.url)
  const text = readFileSync(file, 'utf8')
  const place = new RegExp(`(<!-- bench:${name} -->\\n)[\\s\\S]*?(\\n<!-- /bench:${name} -->)`)
  if (!place.test(text)) throw new Error(`docs/${page} has no place for the table '${name}'`)
  writeFileSync(
    file,
    text.replace(place, (_all, before: string, after: string) => `${before}${table}${after}`)
  )
}
