/** Preloaded into a gateway (`--import`): each SIGURG collects the garbage and leaves the size of what is left in a file. */
import { writeFileSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { heapFile } from './heap.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

process.on('SIGURG', () => {
  collect()
  writeFileSync(heapFile, String(process.memoryUsage().heapUsed))
})
