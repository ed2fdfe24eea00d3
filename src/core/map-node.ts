/**
 * The nodes of a `PersistentMap`: a compressed hash-array mapped prefix tree (Steindorfer and Vinju, "Optimizing Hash-Array Mapped Tries
 * for Fast and Lean Immutable JVM Collections", 2015). Five bits of the hash choose the way at each level; a node holds its entries first
 * and its children behind them, last child first. Below the last level stand the entries whose whole hashes are equal.
 */
import { hashText } from './string-hash.ts'

/**
 * One flat array, because each object that a lookup must follow is a cache miss among 100,000 rules:
 * which of the 32 ways hold an entry, which hold a child, then key, value, key, value, …, child, child.
 */
export type MapNode = readonly unknown[]

/** What `find` answers when there is no such key: `undefined` may be a value. */
export const missing: unique symbol = Symbol('missing')

export const emptyNode: MapNode = [0, 0]

const header = 2
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

const entryBits = (node: MapNode): number => node[0] as number
const childBits = (node: MapNode): number => node[1] as number

/** Where the entry of `way` stands or would stand. */
function entryIndex(node: MapNode, way: number): number {
  return header + 2 * countBits(entryBits(node) & (way - 1))
}

/** Where the child of `way` stands. */
function childIndex(node: MapNode, way: number): number {
  return node.length - 1 - countBits(childBits(node) & (way - 1))
}

/** The value at the key `text.slice(0, end)`, or `missing`. */
export function find(root: MapNode, text: string, end: number, hash: number): unknown {
  let node = root
  for (let shift = 0; shift < depthBits; shift += bitsPerLevel) {
    const way = wayOf(hash, shift)
    if ((entryBits(node) & way) !== 0) {
      const index = entryIndex(node, way)
      return isKey(node[index] as string, text, end) ? node[index + 1] : missing
    }
    if ((childBits(node) & way) === 0) return missing
    node = node[childIndex(node, way)] as MapNode
  }
  for (let index = header; index < node.length; index += 2) {
    if (isKey(node[index] as string, text, end)) return node[index + 1]
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
  if ((childBits(node) & way) !== 0) {
    const index = childIndex(node, way)
    return node.with(index, insert(node[index] as MapNode, shift + bitsPerLevel, hash, key, value))
  }
  const index = entryIndex(node, way)
  if ((entryBits(node) & way) === 0) {
    const grown = node.toSpliced(index, 0, key, value)
    grown[0] = entryBits(node) | way
    return grown
  }
  const other = node[index] as string
  if (other === key) return node.with(index + 1, value)
  return entryToChild(node, way, pair(shift + bitsPerLevel, hashText(other), other, node[index + 1], hash, key, value))
}

function insertEqualHash(node: MapNode, key: string, value: unknown): MapNode {
  for (let index = header; index < node.length; index += 2) {
    if (node[index] === key) return node.with(index + 1, value)
  }
  return [...node, key, value]
}

/** A node of two entries, as deep as their hashes agree. */
function pair(shift: number, hashA: number, keyA: string, a: unknown, hashB: number, keyB: string, b: unknown): MapNode {
  if (shift >= depthBits) return [0, 0, keyA, a, keyB, b]
  const wayA = wayOf(hashA, shift)
  const wayB = wayOf(hashB, shift)
  if (wayA === wayB) return [0, wayA, pair(shift + bitsPerLevel, hashA, keyA, a, hashB, keyB, b)]
  const aFirst = wayA >>> 0 < wayB >>> 0
  return aFirst ? [wayA | wayB, 0, keyA, a, keyB, b] : [wayA | wayB, 0, keyB, b, keyA, a]
}

function entryToChild(node: MapNode, way: number, child: MapNode): MapNode {
  const changed = node.toSpliced(entryIndex(node, way), 2)
  changed.splice(changed.length - countBits(childBits(node) & (way - 1)), 0, child)
  changed[0] = entryBits(node) & ~way
  changed[1] = childBits(node) | way
  return changed
}

/** The node without the key, which must be in it. A child that is left with one entry is taken into its parent. */
export function remove(node: MapNode, shift: number, hash: number, key: string): MapNode {
  if (shift >= depthBits) return removeEqualHash(node, key)
  const way = wayOf(hash, shift)
  if ((entryBits(node) & way) !== 0) {
    const shrunk = node.toSpliced(entryIndex(node, way), 2)
    shrunk[0] = entryBits(node) & ~way
    return shrunk
  }
  const index = childIndex(node, way)
  const child = remove(node[index] as MapNode, shift + bitsPerLevel, hash, key)
  return childBits(child) === 0 && child.length === header + 2 ? childToEntry(node, way, child) : node.with(index, child)
}

// Step by step of two: a value may be equal to a key.
function removeEqualHash(node: MapNode, key: string): MapNode {
  let index = header
  while (node[index] !== key) index += 2
  return node.toSpliced(index, 2)
}

function childToEntry(node: MapNode, way: number, child: MapNode): MapNode {
  const changed = node.toSpliced(childIndex(node, way), 1)
  changed.splice(entryIndex(node, way), 0, child[header], child[header + 1])
  changed[0] = entryBits(node) | way
  changed[1] = childBits(node) & ~way
  return changed
}

/** Every key with its value. */
export function* entriesOf(node: MapNode): Generator<[string, unknown]> {
  const entryEnd = node.length - countBits(childBits(node))
  for (let index = header; index < entryEnd; index += 2) yield [node[index] as string, node[index + 1]]
  for (let index = entryEnd; index < node.length; index++) yield* entriesOf(node[index] as MapNode)
}
