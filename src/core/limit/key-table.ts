/**
 * Numbers kept by key, for very many keys: a few dozen bytes each beside the text of the key. The least recently used key is out when
 * there are too many. It grows in pieces, so that no single insertion copies everything.
 */

/** How many keys tables that share it may hold in all. */
export interface KeyBudget {
  readonly max: number
  used: number
}

/** Where the numbers of a key are. Good until the next call of `place` or `drop`. */
export interface Place {
  /** Holds those of many keys. */
  numbers: Float64Array
  /** Where those of this key begin. All are 0 when the key is new. */
  at: number
  /** The key's slot: small, and another key's after this one is dropped. */
  slot: number
}

const chunkBits = 12
const chunkSize = 1 << chunkBits
const chunkMask = chunkSize - 1
const firstSize = 4
const mapCount = 64
const none = -1

/** So many slots; the last chunk of a small table is smaller than the others. */
interface Chunk {
  numbers: Float64Array
  /** Before and after each slot in the order of use. */
  links: Int32Array
  keys: string[]
}

export class KeyTable {
  readonly #width: number
  readonly #budget: KeyBudget
  readonly #onDrop: ((slot: number) => void) | undefined
  readonly #chunks: Chunk[] = []
  // Many small maps: growing a large one holds everything up.
  readonly #maps: (Map<string, number> | undefined)[] = []
  readonly #place: Place = { numbers: new Float64Array(0), at: 0, slot: none }
  #free = none
  #slots = 0
  #newest = none
  #oldest = none
  #size = 0
  #evictions = 0

  /** @param width numbers per key @param onDrop called when a key goes, with the slot that it had */
  constructor(width: number, budget: KeyBudget, onDrop?: (slot: number) => void) {
    this.#width = width
    this.#budget = budget
    this.#onDrop = onDrop
  }

  /** How many keys there are. */
  get size(): number {
    return this.#size
  }

  /** How many keys had to go because there were too many. */
  get evictions(): number {
    return this.#evictions
  }

  /** The numbers of a key, which is the most recently used one now. The same object for every call. */
  place(key: string): Place {
    const known = this.#maps[mapOf(key)]?.get(key)
    if (known === undefined) return this.#toPlace(this.#add(key))
    if (known !== this.#newest) {
      this.#unlink(known)
      this.#linkNewest(known)
    }
    return this.#toPlace(known)
  }

  /** As `place`, and undefined when there is no such key. Does not count as a use. */
  find(key: string): Place | undefined {
    const known = this.#maps[mapOf(key)]?.get(key)
    return known === undefined ? undefined : this.#toPlace(known)
  }

  /** The least recently used key; undefined when there is none. */
  get oldest(): Place | undefined {
    return this.#oldest === none ? undefined : this.#toPlace(this.#oldest)
  }

  keyOf(slot: number): string {
    return this.#chunks[slot >> chunkBits]!.keys[slot & chunkMask]!
  }

  /** Forgets the key of a slot. */
  drop(slot: number): void {
    const key = this.keyOf(slot)
    this.#onDrop?.(slot)
    const index = mapOf(key)
    const map = this.#maps[index]!
    map.delete(key)
    if (map.size === 0) this.#maps[index] = undefined
    this.#unlink(slot)
    const chunk = this.#chunks[slot >> chunkBits]!
    const at = slot & chunkMask
    chunk.keys[at] = ''
    chunk.numbers.fill(0, at * this.#width, (at + 1) * this.#width)
    chunk.links[2 * at] = this.#free
    this.#free = slot
    this.#size--
    this.#budget.used--
  }

  /** Forgets all keys. */
  clear(): void {
    while (this.#oldest !== none) this.drop(this.#oldest)
    this.#chunks.length = 0
    this.#slots = 0
    this.#free = none
  }

  #toPlace(slot: number): Place {
    const place = this.#place
    place.numbers = this.#chunks[slot >> chunkBits]!.numbers
    place.at = (slot & chunkMask) * this.#width
    place.slot = slot
    return place
  }

  #add(key: string): number {
    // A table that holds none cannot make room: one key each is always allowed.
    if (this.#budget.used >= this.#budget.max && this.#oldest !== none) {
      this.drop(this.#oldest)
      this.#evictions++
    }
    const slot = this.#free === none ? this.#newSlot() : this.#freeSlot()
    const index = mapOf(key)
    const map = this.#maps[index] ?? new Map<string, number>()
    this.#maps[index] = map.set(key, slot)
    this.#chunks[slot >> chunkBits]!.keys[slot & chunkMask] = key
    this.#linkNewest(slot)
    this.#size++
    this.#budget.used++
    return slot
  }

  #freeSlot(): number {
    const slot = this.#free
    this.#free = this.#chunks[slot >> chunkBits]!.links[2 * (slot & chunkMask)]!
    return slot
  }

  #newSlot(): number {
    const slot = this.#slots++
    const at = slot & chunkMask
    const chunk = this.#chunks[slot >> chunkBits]
    if (chunk === undefined) {
      const size = slot === 0 ? firstSize : chunkSize
      this.#chunks.push({ numbers: new Float64Array(size * this.#width), links: new Int32Array(size * 2), keys: [] })
    } else if (at * 2 === chunk.links.length) {
      chunk.numbers = grown(chunk.numbers, Float64Array)
      chunk.links = grown(chunk.links, Int32Array)
    }
    return slot
  }

  #linkNewest(slot: number): void {
    const { links } = this.#chunks[slot >> chunkBits]!
    const at = 2 * (slot & chunkMask)
    links[at] = this.#newest
    links[at + 1] = none
    if (this.#newest === none) this.#oldest = slot
    else this.#setLink(this.#newest, 1, slot)
    this.#newest = slot
  }

  #unlink(slot: number): void {
    const { links } = this.#chunks[slot >> chunkBits]!
    const at = 2 * (slot & chunkMask)
    const before = links[at]!
    const after = links[at + 1]!
    if (before === none) this.#oldest = after
    else this.#setLink(before, 1, after)
    if (after === none) this.#newest = before
    else this.#setLink(after, 0, before)
  }

  #setLink(slot: number, side: 0 | 1, to: number): void {
    this.#chunks[slot >> chunkBits]!.links[2 * (slot & chunkMask) + side] = to
  }
}

// Keys of one limit are mostly alike but for their end: an address, a number.
function mapOf(key: string): number {
  const end = key.length
  if (end < 4) return end === 0 ? 0 : key.charCodeAt(end - 1) % mapCount
  return (key.charCodeAt(end - 1) * 7 + key.charCodeAt(end - 2) * 31 + key.charCodeAt(end - 3) * 61 + key.charCodeAt(end - 4)) % mapCount
}

function grown<T extends Float64Array | Int32Array>(before: T, type: new (length: number) => T): T {
  const after = new type(before.length * 2)
  after.set(before as unknown as ArrayLike<number>)
  return after
}
