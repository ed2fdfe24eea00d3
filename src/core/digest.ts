/**
 * A digest of the whole configuration that a change updates in the time of the change: the sum, modulo 2^32 in two lanes, of a hash per item.
 * Two instances that hold the same items have the same digest, whatever way they came there. It finds mistakes, it is no signature.
 */
import type { StoredItem } from './change.ts'
import { hashText } from './string-hash.ts'

export interface Digest {
  readonly low: number
  readonly high: number
}

export const emptyDigest: Digest = { low: 0, high: 0 }

/** The digest with `before` taken out and `after` put in; undefined is no item. */
export function withItem(digest: Digest, before: StoredItem | undefined, after: StoredItem | undefined): Digest {
  const taken = before === undefined ? emptyDigest : digestOf(before)
  const put = after === undefined ? emptyDigest : digestOf(after)
  return { low: (digest.low - taken.low + put.low) >>> 0, high: (digest.high - taken.high + put.high) >>> 0 }
}

/** 16 hexadecimal digits. */
export function digestText({ low, high }: Digest): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0')
}

function digestOf({ kind, id, item, seq, fault }: Omit<StoredItem, 'fault'> & { fault?: string | undefined }): Digest {
  const text = `${kind}/${id}/${seq}/${fault ?? ''}/${JSON.stringify(item)}`
  return { low: hashText(text) >>> 0, high: hashText(`${text.length}#${text}`) >>> 0 }
}
