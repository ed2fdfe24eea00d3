/** IP addresses, without a library. */

/** Four 32-bit words of an IPv6 address, or one of an IPv4 address. */
export type IpWords = readonly number[]

const groupPattern = /^[0-9A-Fa-f]{1,4}$/

/** The words of an address, or undefined when it is none. A v4-mapped v6 address is v4; a zone (`%eth0`) is left out. */
export function parseIp(text: string): IpWords | undefined {
  if (!text.includes(':')) return parseV4(text)
  const zone = text.indexOf('%')
  const words = parseV6(zone === -1 ? text : text.slice(0, zone))
  return words !== undefined && isMapped(words) ? [words[3]!] : words
}

/** Whether a v6 address is `::ffff:0:0/96` (RFC 4291 section 2.5.5.2). */
function isMapped(words: IpWords): boolean {
  return words[0] === 0 && words[1] === 0 && words[2] === 0xffff
}

// By hand, as it runs for most requests. Octets with a leading zero are refused: some systems read them as octal.
function parseV4(text: string): IpWords | undefined {
  let word = 0
  let octet = -1
  let dots = 0
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 46 /* . */ && octet >= 0) {
      word = word * 256 + octet
      octet = -1
      dots++
    } else {
      if (code < 48 || code > 57 || octet === 0) return undefined
      octet = (octet < 0 ? 0 : octet * 10) + code - 48
      if (octet > 255) return undefined
    }
  }
  return dots === 3 && octet >= 0 ? [word * 256 + octet] : undefined
}

function parseV6(text: string): IpWords | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const head = toGroups(halves[0]!, halves.length === 1)
  const tail = halves.length === 2 ? toGroups(halves[1]!, true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined
  const groups = [...head, ...new Array<number>(missing).fill(0), ...tail]
  return [0, 2, 4, 6].map(at => groups[at]! * 0x10000 + groups[at + 1]!)
}

/** `1:2:a` as 16-bit groups; the last may be a v4 address when it ends the whole. */
function toGroups(text: string, mayEndInV4: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (groupPattern.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const v4 = mayEndInV4 && index === parts.length - 1 ? parseV4(part) : undefined
    if (v4 === undefined) return undefined
    groups.push(Math.floor(v4[0]! / 0x10000), v4[0]! % 0x10000)
  }
  return groups
}

/** One spelling per address: v4 in dots (also for v4-mapped v6), v6 as in RFC 5952, no zone; undefined when it is no address. */
export function canonicalIp(text: string): string | undefined {
  const words = parseIp(text)
  return words === undefined ? undefined : formatIp(words)
}

/** The text of an address, see `canonicalIp`. */
export function formatIp(words: IpWords): string {
  if (words.length === 1) return [24, 16, 8, 0].map(shift => (words[0]! >>> shift) & 255).join('.')
  const groups = words.flatMap(word => [Math.floor(word / 0x10000), word % 0x10000])
  const [start, length] = longestZeroRun(groups)
  const hex = groups.map(group => group.toString(16))
  if (length < 2) return hex.join(':')
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`
}

function longestZeroRun(groups: readonly number[]): [start: number, length: number] {
  let best: [number, number] = [0, 0]
  for (let start = 0; start < groups.length; start++) {
    let end = start
    while (groups[end] === 0) end++
    if (end - start > best[1]) best = [start, end - start]
  }
  return best
}
