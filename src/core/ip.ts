/** Sets of IP addresses, without a library: a rule may list a thousand blocks and a request asks them in a few steps. */
import { formatIp, type IpWords, parseIp } from './ip-address.ts'

/** Thrown for a list with an entry that is neither an address nor a CIDR block. */
export class CidrError extends Error {
  override readonly name = 'CidrError'
  /** The entry, as written. */
  readonly entry: string
  /** Its place in the list. */
  readonly index: number
  constructor(entry: string, index: number) {
    super(`'${entry}' is not an address or CIDR block such as 192.168.1.0/24 or 2001:db8::/32`)
    this.entry = entry
    this.index = index
  }
}

/** From the first to the last address of a block, both inside. */
interface Range {
  readonly first: IpWords
  readonly last: IpWords
}

/** Addresses and CIDR blocks, v4 and v6. A v4-mapped v6 address is the v4 address; `::/0` is all of v6 and nothing of v4. */
export class CidrSet {
  /** How many blocks are left after overlapping ones were merged; 0 when nothing is in the set. */
  readonly size: number
  readonly #v4: readonly Range[]
  readonly #v6: readonly Range[]

  private constructor(ranges: readonly Range[]) {
    this.#v4 = merge(ranges.filter(range => range.first.length === 1))
    this.#v6 = merge(ranges.filter(range => range.first.length === 4))
    this.size = this.#v4.length + this.#v6.length
  }

  /** Host bits below the mask are ignored, as in most tools: `10.1.2.3/8` is `10.0.0.0/8`. @throws {CidrError} naming the entry */
  static parse(list: readonly string[]): CidrSet {
    return new CidrSet(list.map(parseBlock))
  }

  /** Whether the address is in the set; false for what is no address. */
  has(ip: string): boolean {
    return this.size > 0 && this.hasWords(parseIp(ip))
  }

  /** As `has`, for an address that is parsed already. */
  hasWords(words: IpWords | undefined): boolean {
    return words !== undefined && covers(words.length === 1 ? this.#v4 : this.#v6, words)
  }

  /** Whether every block of `other` lies within one of this set. Blocks that only touch each other count as two. */
  includes(other: CidrSet): boolean {
    return isWithin(other.#v4, this.#v4) && isWithin(other.#v6, this.#v6)
  }

  /** Equal for sets of the same addresses, however they were written. */
  toString(): string {
    return [...this.#v4, ...this.#v6].map(({ first, last }) => `${formatIp(first)}-${formatIp(last)}`).join(',')
  }
}

function parseBlock(entry: string, index: number): Range {
  const slash = entry.indexOf('/')
  const address = slash === -1 ? entry : entry.slice(0, slash)
  const words = entry.includes('%') ? undefined : parseIp(address)
  if (words === undefined) throw new CidrError(entry, index)
  // A v4-mapped block is written with the v6 mask: ::ffff:10.0.0.0/104 is 10.0.0.0/8.
  const mappedBits = words.length === 1 && address.includes(':') ? 96 : 0
  const bits = words.length * 32
  if (slash === -1) return toRange(words, bits)
  const mask = entry.slice(slash + 1)
  const length = /^(?:0|[1-9]\d{0,2})$/.test(mask) ? Number(mask) - mappedBits : -1
  if (length < 0 || length > bits) throw new CidrError(entry, index)
  return toRange(words, length)
}

function toRange(words: IpWords, length: number): Range {
  const hostMasks = words.map((_, index) => {
    const fixed = Math.min(32, Math.max(0, length - index * 32))
    return 2 ** (32 - fixed) - 1
  })
  return {
    first: words.map((word, index) => word - (word % (hostMasks[index]! + 1))),
    last: words.map((word, index) => word - (word % (hostMasks[index]! + 1)) + hostMasks[index]!)
  }
}

function compare(a: IpWords, b: IpWords): number {
  for (let index = 0; index < a.length; index++) {
    if (a[index] !== b[index]) return a[index]! - b[index]!
  }
  return 0
}

/** Sorted, and none overlaps another, so that one binary search answers. */
function merge(ranges: readonly Range[]): readonly Range[] {
  const merged: Range[] = []
  for (const range of ranges.toSorted((a, b) => compare(a.first, b.first))) {
    const before = merged.at(-1)
    if (before === undefined || compare(before.last, range.first) < 0) merged.push(range)
    else if (compare(before.last, range.last) < 0) merged[merged.length - 1] = { first: before.first, last: range.last }
  }
  return merged
}

function isWithin(inner: readonly Range[], outer: readonly Range[]): boolean {
  return inner.every(({ first, last }) => {
    const range = rangeOf(outer, first)
    return range !== undefined && compare(last, range.last) <= 0
  })
}

function covers(ranges: readonly Range[], words: IpWords): boolean {
  return rangeOf(ranges, words) !== undefined
}

function rangeOf(ranges: readonly Range[], words: IpWords): Range | undefined {
  let low = 0
  let high = ranges.length - 1
  while (low <= high) {
    const middle = (low + high) >>> 1
    const range = ranges[middle]!
    if (compare(words, range.first) < 0) high = middle - 1
    else if (compare(words, range.last) > 0) low = middle + 1
    else return range
  }
  return undefined
}
