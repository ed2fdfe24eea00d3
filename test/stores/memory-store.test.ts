import { createMemoryBacking, createMemoryStore } from '../../src/stores/memory-store.ts'
import { storeContract } from './contract.ts'

storeContract('memory', () => {
  const shared = createMemoryBacking(10)
  return () => createMemoryStore(shared)
})
