/**
 * The nodes of a `PersistentMap`: a compressed hash-array mapped prefix tree (Steindorfer and Vinju, "Optimizing Hash-Array Mapped Tries
 * for Fast and Lean Immutable JVM Collections", 2015). Five bits of the hash choose the way at each level; a node holds its entries first
 * and its children behind them, last child first. Below the last level stand the entries whose whole hashes are equal.
 */
import { hashText } from './string-hash.ts'

export interface MapNode {
  /** Which of the 32 ways hold an entry; unused below the last level. */
  readonly entryBits: number
  /** Which of the 32 ways hold a child. */
  readonly childBits: number
  /** key, value, key, value, …, child, child */
  readonly slots: readonly unknown[]
}

/** What `find` answers when there is no such key: `undefined` may be a value. */
export const missing: unique symbol = Symbol('missing')

export const emptyNode: MapNode = { entryBits: 0, childBits: 0, slots: [] }

const bitsPerLevel = 5
const depthBits = 35

function wayOf(hash: number, shift: number): number {
  return 1 << ((hash >>> shift) & 31)
}

function countBits(bits: number): number {
  let count = bits - ((bits >>> 1) & 0x55555555)
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333)
  return Math.imul((count + (count >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}

/** Where the entry of `way` stands or would stand. */
function entryIndex(node: MapNode, way: number): number {
  return 2 * countBits(node.entryBits & (way - 1))
}

/** Where the child of `way` stands. */
function childIndex(node: MapNode, way: number): number {
  return node.slots.length - 1 - countBits(node.childBits & (way - 1))
}

/** The value at the key `text.slice(0, end)`, or `missing`. */
export function find(root: MapNode, text: string, end: number, hash: number): unknown {
  let node = root
  for (let shift = 0; shift < depthBits; shift += bitsPerLevel) {
    const way = wayOf(hash, shift)
    if ((node.entryBits & way) !== 0) {
      const index = entryIndex(node, way)
      return isKey(node.slots[index] as string, text, end) ? node.slots[index + 1] : missing
    }
    if ((node.childBits & way) === 0) return missing
    node = node.slots[childIndex(node, way)] as MapNode
  }
  for (let index = 0; index < node.slots.length; index += 2) {
    if (isKey(node.slots[index] as string, text, end)) return node.slots[index + 1]
  }
  return missing
}

function isKey(key: string, text: string, end: number): boolean {
  return key.length === end && (end === text.length ? key === text : text.startsWith(key))
}

/** The node with the entry put in or its value replaced. */
export function insert(node: MapNode, shift: number, hash: number, key: string, value: unknown): MapNode {
  if (shift >= depthBits) return insertEqualHash(node, key, value)
  const way = wayOf(hash, shift)
  if ((node.childBits & way) !== 0) {
    const index = childIndex(node, way)
    const child = insert(node.slots[index] as MapNode, shift + bitsPerLevel, hash, key, value)
    return { ...node, slots: node.slots.with(index, child) }
  }
  const index = entryIndex(node, way)
  if ((node.entryBits & way) === 0) {
    return { entryBits: node.entryBits | way, childBits: node.childBits, slots: node.slots.toSpliced(index, 0, key, value) }
  }
  const other = node.slots[index] as string
  if (other === key) return { ...node, slots: node.slots.with(index + 1, value) }
  const child = pair(shift + bitsPerLevel, hashText(other), other, node.slots[index + 1], hash, key, value)
  return entryToChild(node, way, child)
}

function insertEqualHash(node: MapNode, key: string, value: unknown): MapNode {
  for (let index = 0; index < node.slots.length; index += 2) {
    if (node.slots[index] === key) return { ...node, slots: node.slots.with(index + 1, value) }
  }
  return { ...node, slots: [...node.slots, key, value] }
}

/** A node of two entries, as deep as their hashes agree. */
function pair(shift: number, hashA: number, keyA: string, a: unknown, hashB: number, keyB: string, b: unknown): MapNode {
  if (shift >= depthBits) return { entryBits: 0, childBits: 0, slots: [keyA, a, keyB, b] }
  const wayA = wayOf(hashA, shift)
  const wayB = wayOf(hashB, shift)
  if (wayA === wayB) {
    const child = pair(shift + bitsPerLevel, hashA, keyA, a, hashB, keyB, b)
    return { entryBits: 0, childBits: wayA, slots: [child] }
  }
  const aFirst = wayA >>> 0 < wayB >>> 0
  return { entryBits: wayA | wayB, childBits: 0, slots: aFirst ? [keyA, a, keyB, b] : [keyB, b, keyA, a] }
}

function entryToChild(node: MapNode, way: number, child: MapNode): MapNode {
  const slots = node.slots.toSpliced(entryIndex(node, way), 2)
  const childBits = node.childBits | way
  slots.splice(slots.length - countBits(node.childBits & (way - 1)), 0, child)
  return { entryBits: node.entryBits & ~way, childBits, slots }
}

/** The node without the key, which must be in it. A child that is left with one entry is taken into its parent. */
export function remove(node: MapNode, shift: number, hash: number, key: string): MapNode {
  if (shift >= depthBits) return { ...node, slots: node.slots.toSpliced(node.slots.indexOf(key), 2) }
  const way = wayOf(hash, shift)
  if ((node.entryBits & way) !== 0) {
    return { entryBits: node.entryBits & ~way, childBits: node.childBits, slots: node.slots.toSpliced(entryIndex(node, way), 2) }
  }
  const index = childIndex(node, way)
  const child = remove(node.slots[index] as MapNode, shift + bitsPerLevel, hash, key)
  if (child.childBits !== 0 || child.slots.length !== 2) return { ...node, slots: node.slots.with(index, child) }
  return childToEntry(node, way, child)
}

function childToEntry(node: MapNode, way: number, child: MapNode): MapNode {
  const slots = node.slots.toSpliced(childIndex(node, way), 1)
  slots.splice(entryIndex(node, way), 0, ...child.slots)
  return { entryBits: node.entryBits | way, childBits: node.childBits & ~way, slots }
}

/** Every key with its value. */
export function* entriesOf(node: MapNode): Generator<[string, unknown]> {
  const children = countBits(node.childBits)
  const entryEnd = node.slots.length - children
  for (let index = 0; index < entryEnd; index += 2) yield [node.slots[index] as string, node.slots[index + 1]]
  for (let index = entryEnd; index < node.slots.length; index++) yield* entriesOf(node.slots[index] as MapNode)
}
