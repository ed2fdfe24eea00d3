import { collections, documentKinds } from '../core/change.ts'
import { checkJson } from './file-json-check.ts'
import { editLists, type FileSource, toLists } from './file-source.ts'

/** Reads a configuration in JSON. Edits write the whole document anew, with two spaces. @throws {FileFormatError} */
export function readJson(text: string): FileSource {
  const plain = text.startsWith('\ufeff') ? text.slice(1) : text
  checkJson(plain)
  const document: object = JSON.parse(plain)
  const lists = toLists(document)
  return {
    lists,
    edited: edits => [
      () => {
        const next = editLists(lists, edits)
        const entries = documentKinds
          .filter(kind => Object.hasOwn(document, collections[kind]) || next[kind].length > 0)
          .map(kind => [collections[kind], next[kind]])
        return `${JSON.stringify({ ...document, ...Object.fromEntries(entries) }, null, 2)}\n`
      }
    ]
  }
}
