import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openFileStore } from '../../src/stores/file-store.ts'
import { storeContract } from './contract.ts'

storeContract(
  'file',
  async t => {
    const dir = await mkdtemp(join(tmpdir(), 'sluice-file-'))
    t.teardown(() => rm(dir, { recursive: true }))
    return () => openFileStore({ path: join(dir, 'conf', 'sluice.yaml'), logLength: 10 })
  },
  { sharesFleet: false }
)
