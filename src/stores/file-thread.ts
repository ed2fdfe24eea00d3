import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Change, CommittedChange, StoredItem } from '../core/change.ts'
import { within } from '../etcd/deadline.ts'
import type { FileEdit } from './file-model.ts'
import { FileFormatError, type FormatName } from './file-source.ts'
import type { WorkerAnswer, WorkerRequest, WorkerStart } from './file-worker.ts'

/** A `FileModel` in a thread of its own. Calls must not overlap. */
export interface FileThread {
  /** As `FileModel.read`. @throws {FileFormatError} */
  read(text: string): Promise<readonly CommittedChange[]>
  /** As `FileModel.edit`. */
  edit(text: string, changes: readonly Change[]): Promise<FileEdit>
  /** Ends the thread; a call that is under way rejects. */
  close(): Promise<void>
}

/** No text takes so long; a thread that does is given up. */
const answerMs = 30_000

/**
 * The thread is started at the first call, and again after it broke: a text that exhausts its memory is a fault of that text.
 * @param itemsNow what the store holds, for a thread that takes over from another
 */
export function createFileThread(format: FormatName, itemsNow: () => readonly StoredItem[]): FileThread {
  let worker: Worker | undefined

  function start(): Worker {
    const workerData: WorkerStart = { format, items: itemsNow() }
    // Beside this file, compiled or not.
    const url = new URL(import.meta.url.endsWith('.ts') ? './file-worker.ts' : './file-worker.js', import.meta.url)
    const started = new Worker(url, { workerData, execArgv: [], name: 'sluice-file' })
    started.on('error', () => {})
    started.once('exit', () => {
      if (worker === started) worker = undefined
    })
    return started
  }

  async function ask(request: WorkerRequest): Promise<unknown> {
    worker ??= start()
    const asked = worker
    const abort = new AbortController()
    try {
      const ended = once(asked, 'exit', abort).then(() => Promise.reject(new Error('the thread that reads the file ended')))
      const answered = once(asked, 'message', abort).then(([answer]) => answer as WorkerAnswer)
      asked.postMessage(request)
      const answer = await within(answerMs, 'the file takes too long to read', Promise.race([answered, ended])).catch(async error => {
        await asked.terminate()
        throw error
      })
      if (answer.type === 'done') return answer.value
      throw answer.isFormat ? new FileFormatError(answer.message) : new Error(answer.message)
    } finally {
      abort.abort()
    }
  }

  return {
    read: async text => (await ask({ type: 'read', text })) as readonly CommittedChange[],
    edit: async (text, changes) => (await ask({ type: 'edit', text, changes })) as FileEdit,
    close: async () => void (await worker?.terminate())
  }
}
