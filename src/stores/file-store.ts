/** The store in a file that people edit too. */
import { realpath } from 'node:fs/promises'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { type Change, type Commit, type CommittedChange, type ConfigSet, isDocumentKind } from '../core/change.ts'
import {
  type FleetStore,
  type HistoryStore,
  type InstanceReport,
  type Precondition,
  PreconditionError,
  type StorePosition,
  type StoreState,
  type WritableStore
} from '../core/store.ts'
import { InvalidBodyError, StoreUnavailableError } from '../errors.ts'
import { CommitLog, defaultLogLength } from './commit-log.ts'
import { withFileLock } from './file-lock.ts'
import type { FileEdit } from './file-model.ts'
import { FileProblem, readText } from './file-read.ts'
import { FileFormatError, type FormatName } from './file-source.ts'
import { FileState } from './file-state.ts'
import { fileTemplates } from './file-template.ts'
import { createFileThread, type FileThread } from './file-thread.ts'
import { type FileWatch, watchFile } from './file-watch.ts'
import { createIfAbsent, replaceFile } from './file-write.ts'
import { toItemText } from './item-text.ts'
import { LocalFleet } from './local-fleet.ts'
import { Watchers } from './watchers.ts'

export interface FileStoreOptions {
  /** Ends in `.yaml`, `.yml` or `.json`. Made, with its directory, when it is not there. */
  readonly path: string
  /** Who the commits of edits by hand are by. Default `file`. */
  readonly by?: string
  /** How many commits `commitsSince` reaches back. Default 1000. */
  readonly logLength?: number
}

const formatOf: Readonly<Record<string, FormatName>> = { '.yaml': 'yaml', '.yml': 'yaml', '.json': 'json' }

/**
 * The store in a file. Revisions are counted by this handle, from 1: one for each commit and for each change that it finds in the file.
 * Several processes may share the file: writers keep each other out by a lock file, and a change of one is an edit of the file for the
 * others, in which several changes may have become one. An editor takes no lock: what it saves in the same instant as a commit may be lost.
 * @throws when the path has another ending
 */
export function openFileStore(options: FileStoreOptions): WritableStore & HistoryStore & FleetStore {
  const format = formatOf[extname(options.path).toLowerCase()]
  if (format === undefined)
    throw new Error(`the file store needs a path that ends in .yaml, .yml or .json, not '${basename(options.path)}'`)
  return new FileStore(options, format)
}

/** How often a commit begins anew because the file was edited meanwhile. */
const maxAttempts = 5

class FileStore implements WritableStore, HistoryStore, FleetStore {
  readonly name = 'file'
  readonly #path: string
  readonly #format: FormatName
  readonly #by: string
  readonly #state: FileState
  readonly #fleet = new LocalFleet()
  readonly #watchers = new Watchers()
  readonly #thread: FileThread
  /** The file was there once: when it is missing from now on, it has vanished. */
  #made = false
  #text: string | undefined
  /** The text that was refused last, so that it is not read again and again. */
  #refused: { readonly text: string; readonly problem: FileProblem } | undefined
  #watch: FileWatch | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor({ path, by = 'file', logLength = defaultLogLength }: FileStoreOptions, format: FormatName) {
    this.#path = resolve(path)
    this.#format = format
    this.#by = by
    this.#state = new FileState(new CommitLog(logLength))
    this.#thread = createFileThread(format, () => this.#state.items)
  }

  async load(): Promise<ConfigSet> {
    return this.#inTurn(async () => {
      await this.#refresh()
      return this.#state.set
    })
  }

  async commitsSince(revision: number, head?: string): Promise<readonly Commit[] | undefined> {
    return this.#inTurn(async () => {
      await this.#refresh()
      return this.#state.log.since(revision, this.#state.revision, head)
    })
  }

  async position(): Promise<StorePosition> {
    if (this.#closed) throw closedError()
    const state = this.#watchers.state
    // Whoever watches is told of every change of the file: to read it for each question would be work for nothing.
    if (this.#watch === undefined || state === undefined) await this.#inTurn(() => this.#refresh())
    else if (!state.up) throw new StoreUnavailableError({ cause: new Error(state.reason) })
    return this.#state.position
  }

  /** What this process has seen. */
  async history(options: { readonly before?: number; readonly limit: number }): Promise<readonly Commit[]> {
    return this.#inTurn(async () => {
      await this.#refresh()
      return this.#state.log.history(options)
    })
  }

  /** A file tells nobody who else reads it: an instance knows of itself alone. */
  async announce(report: InstanceReport, ttlMs: number): Promise<void> {
    if (this.#closed) throw closedError()
    this.#fleet.announce(report, ttlMs)
  }

  async instances(): Promise<readonly InstanceReport[]> {
    if (this.#closed) throw closedError()
    return this.#fleet.instances()
  }

  async withdraw(id: string): Promise<void> {
    if (this.#closed) throw closedError()
    this.#fleet.withdraw(id)
  }

  async watch(onNotice: (notice?: Commit) => void, onState?: (state: StoreState) => void): Promise<void> {
    if (this.#closed) throw closedError()
    // Made first: a directory that is not there cannot be watched.
    await this.#inTurn(() => this.#refresh()).catch(() => {})
    if (this.#closed) throw closedError()
    this.#watchers.add({ onNotice, onState })
    this.#watch ??= watchFile(this.#path, () => void this.#look())
    await this.#watch.ready
    // What happened before the directory was watched.
    await this.#look()
    this.#watchers.notice()
  }

  async commit(changes: readonly Change[], by: string, precondition?: Precondition): Promise<Commit> {
    const plain = changes.map(toPlain)
    return this.#inTurn(() => this.#commit(plain, by, precondition))
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#watchers.clear()
    this.#watch?.close()
    await this.#turn
    await this.#thread.close()
  }

  /** One after the other: a commit and a look at the file must not see each other half done. */
  async #inTurn<T>(task: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError()
    const result = this.#turn.then(task)
    this.#turn = result.catch(() => {})
    return result.catch(toUnavailable)
  }

  async #look(): Promise<void> {
    // A failure is told as a state.
    if (!this.#closed) await this.#inTurn(() => this.#refresh()).catch(() => {})
  }

  /** Takes in what the file holds now. Rejects, and says so as a state, when it cannot. */
  async #refresh(): Promise<void> {
    try {
      if (!this.#made) await createIfAbsent(this.#path, fileTemplates[this.#format])
      this.#made = true
      const text = await readText(this.#path)
      if (text !== this.#text) await this.#read(text)
    } catch (error) {
      this.#watchers.setState({
        up: false,
        reason: error instanceof FileProblem ? error.message : `${basename(this.#path)}: ${toReason(error)}`
      })
      throw error
    }
    const wasDown = this.#watchers.state?.up === false
    this.#watchers.setState({ up: true })
    if (wasDown) this.#watchers.notice()
  }

  async #read(text: string): Promise<void> {
    if (text === this.#refused?.text) throw this.#refused.problem
    let changes: readonly CommittedChange[]
    try {
      changes = await this.#thread.read(text)
    } catch (error) {
      if (!(error instanceof FileFormatError)) throw error
      const problem = new FileProblem(this.#path, error.message)
      this.#refused = { text, problem }
      throw problem
    }
    this.#refused = undefined
    this.#text = text
    if (this.#state.revision === 0) this.#state.begin(changes)
    else if (changes.length > 0) this.#record(changes, this.#by)
  }

  async #commit(changes: readonly Change[], by: string, precondition: Precondition | undefined): Promise<Commit> {
    await this.#refresh()
    const real = await realpath(this.#path)
    return withFileLock(join(dirname(real), `.${basename(real)}.lock`), async () => {
      for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
        // What was edited by hand or by another process becomes a revision of its own first.
        await this.#refresh()
        if (precondition !== undefined && precondition.revision !== this.#state.revision) throw new PreconditionError(this.#state.revision)
        const before = this.#text!
        const edit = await this.#edit(before, changes)
        if (edit.text !== before && !(await replaceFile(this.#path, before, edit.text))) continue
        this.#text = edit.text
        const commit = this.#record(edit.changes, by)
        // The thread learns that what it prepared is in force. One that has died begins with the items of now.
        await this.#thread.read(edit.text).catch(() => {})
        return commit
      }
      throw new FileProblem(this.#path, 'the file is edited all the time')
    })
  }

  // A rollout is nothing that people write: it is kept beside the text.
  async #edit(text: string, changes: readonly Change[]): Promise<FileEdit> {
    const written = changes.filter(({ kind }) => isDocumentKind(kind))
    const edit = written.length === 0 ? { text, changes: [] } : await this.#thread.edit(text, written)
    const beside = this.#state.toCommitted(changes.filter(({ kind }) => !isDocumentKind(kind)))
    return { text: edit.text, changes: [...edit.changes, ...beside] }
  }

  #record(changes: readonly CommittedChange[], by: string): Commit {
    const commit = this.#state.record(changes, by)
    this.#watchers.notice(commit)
    return commit
  }
}

/** A copy that is nothing but JSON. @throws as `toItemText`, and when the item has no place for an id, by which a file knows it */
function toPlain(change: Change): Change {
  if (change.op === 'delete') return change
  const item: unknown = JSON.parse(toItemText(change.item))
  if (typeof item !== 'object' || item === null || Array.isArray(item)) throw new InvalidBodyError('The item is not an object')
  return { ...change, item }
}

function closedError(): Error {
  return new StoreUnavailableError({ cause: new Error('the store is closed') })
}

function toReason(error: unknown): string {
  return error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error)
}

function toUnavailable(error: unknown): never {
  if (error instanceof PreconditionError || error instanceof StoreUnavailableError) throw error
  throw new StoreUnavailableError({ cause: error instanceof Error ? error : new Error(String(error)) })
}
