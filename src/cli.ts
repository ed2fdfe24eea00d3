#!/usr/bin/env node
/** The `sluice` command. Compiling takes up to half of a start, so what was compiled is kept for the next one. */
import { enableCompileCache } from 'node:module'
import { fileURLToPath } from 'node:url'

// Beside the code, and so for those only who could change the code as well: in a folder for all, others could put theirs in. Without the
// right to write there, nothing is kept.
enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/sluice', import.meta.url)))

const { run } = await import('./command.ts')
await run(process.argv.slice(2))
