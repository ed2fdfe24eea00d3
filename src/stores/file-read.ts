import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'

/** Why a file is not followed, for a person: `sluice.yaml:12:3 duplicate key "id"`. What was read last stays. */
export class FileProblem extends Error {
  override readonly name = 'FileProblem'
  constructor(path: string, reason: string) {
    super(/^\d+:\d+ /.test(reason) ? `${basename(path)}:${reason}` : `${basename(path)}: ${reason}`)
  }
}

/** A text beyond this is no configuration. Bytes. */
const maxFileBytes = 64 * 1024 * 1024

/** The text of the file. @throws {FileProblem} also when it is empty: that is a save that is not done yet, never "delete everything" */
export async function readText(path: string): Promise<string> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    throw new FileProblem(path, error.code === 'ENOENT' ? 'the file is missing' : `cannot be read: ${error.code ?? error.message}`)
  })
  if (bytes.length === 0) throw new FileProblem(path, 'the file is empty')
  if (bytes.length > maxFileBytes) throw new FileProblem(path, `the file is larger than ${maxFileBytes} bytes`)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new FileProblem(path, 'the file is not UTF-8')
  }
}
