/** Keeps what large bodies leave behind small. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

type Collect = (options: { readonly type: 'minor' }) => void

const everyBytes = 16 * 1_048_576

let bytes = 0
let collect: Collect | undefined

/**
 * Counts bytes of bodies that went through. Each piece comes in a buffer of its own outside the JavaScript heap, while the heap itself
 * hardly grows: V8 sees no reason to collect before some 80 MB of dead buffers have piled up. A collection of the young generation, where
 * all of them are, takes about a millisecond; with one every 16 MB the process stays small whatever the bodies are.
 */
export function countBodyBytes(length: number): void {
  bytes += length
  if (bytes < everyBytes) return
  bytes = 0
  collect ??= exposeCollector()
  collect({ type: 'minor' })
}

// The function is put into contexts that are made after the flag is set.
function exposeCollector(): Collect {
  setFlagsFromString('--expose-gc')
  return runInNewContext('gc') as Collect
}
