/** The JSON text of an item, in and out. Whatever the text is, reading it never throws: one bad item must not hurt the rest. */
import { BodyTooLargeError, InvalidBodyError } from '../errors.ts'

/** The longest text of one item, in bytes of UTF-8. */
export const maxItemBytes = 1024 * 1024
/** How deep an item may be nested: what walks an item by recursion must not run out of stack. */
export const maxItemDepth = 64

/** A value, or why there is none. */
export type ItemReading = { readonly item: unknown } | { readonly item: undefined; readonly fault: string }

/** What a text of more than `maxItemBytes` is read as. */
export const tooLong: ItemReading = { item: undefined, fault: `is longer than ${maxItemBytes} bytes` }

/** Reads what `toItemText` wrote, or what a person put there by hand. `__proto__` stays a key like any other. */
export function readItemText(text: string): ItemReading {
  if (isTooLong(text)) return tooLong
  let item: unknown
  try {
    item = JSON.parse(text)
  } catch (error) {
    return { item: undefined, fault: `is not JSON${positionOf(error)}` }
  }
  const fault = depthFault(item)
  return fault === undefined ? { item } : { item: undefined, fault }
}

/**
 * The text of an item that is to be written.
 * @throws {BodyTooLargeError} {InvalidBodyError} when `readItemText` would not take it back
 */
export function toItemText(item: unknown): string {
  const fault = item === undefined ? 'is not a JSON value' : depthFault(item)
  if (fault !== undefined) throw new InvalidBodyError(`The item ${fault}`)
  const text = JSON.stringify(item)
  if (isTooLong(text)) throw new BodyTooLargeError()
  return text
}

/** Why `value` is nested too deep, or undefined. Ends on circular values too, which YAML aliases can make. */
export function depthFault(value: unknown): string | undefined {
  return isDeeper(value, maxItemDepth) ? `is nested deeper than ${maxItemDepth} levels` : undefined
}

function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  return levels === 0 || Object.values(value).some(inner => isDeeper(inner, levels - 1))
}

function isTooLong(text: string): boolean {
  return text.length > maxItemBytes || Buffer.byteLength(text) > maxItemBytes
}

// V8's message quotes the text around the fault, which may hold a secret: only the place is taken from it.
function positionOf(error: unknown): string {
  const place = /at position \d+/.exec(String(error))
  return place === null ? '' : ` (${place[0]})`
}
