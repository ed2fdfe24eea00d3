/** The thread in which a file is read and edited, so that requests do not wait for it. Started by `file-thread.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import type { Change, CommittedChange, StoredItem } from '../core/change.ts'
import { type FileEdit, FileModel } from './file-model.ts'
import { FileFormatError, type FormatName } from './file-source.ts'

export interface WorkerStart {
  readonly format: FormatName
  readonly items: readonly StoredItem[]
}

/** One at a time; each is answered once. */
export type WorkerRequest =
  | { readonly type: 'read'; readonly text: string }
  | { readonly type: 'edit'; readonly text: string; readonly changes: readonly Change[] }

export type WorkerAnswer =
  | { readonly type: 'done'; readonly value: readonly CommittedChange[] | FileEdit }
  | { readonly type: 'failed'; readonly isFormat: boolean; readonly message: string }

const { format, items } = workerData as WorkerStart
// Each brings a parser that the other does not need.
const read = format === 'yaml' ? (await import('./file-yaml.ts')).readYaml : (await import('./file-json.ts')).readJson
const model = new FileModel(read, items)

function answer(request: WorkerRequest): WorkerAnswer {
  try {
    if (request.type === 'read') return { type: 'done', value: model.read(request.text) }
    return { type: 'done', value: model.edit(request.text, request.changes) }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { type: 'failed', isFormat: error instanceof FileFormatError, message }
  }
}

parentPort?.on('message', (request: WorkerRequest) => parentPort?.postMessage(answer(request)))
