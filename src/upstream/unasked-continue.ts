/**
 * A 100 (Continue) that nobody asked for. RFC 9110 section 15.2 has clients take it and proxies pass it on; undici takes it for a broken
 * answer, and has no option about it.
 */
import type { Socket } from 'node:net'

/** The status by which handlers are told of it: any number below 200 but 100 is an interim answer to undici. No target can send this one. */
export const unaskedContinue = 100.5

type OnHeadersComplete = (status: number, upgrade: boolean, shouldKeepAlive: boolean) => number

let parserKey: symbol | undefined

/**
 * To be called once undici has taken the connection over: its parser then tells of such an answer as of other interim ones, within its own
 * framing. This reaches into undici: were its insides different, the answer would be 502 as without this, and a test would fail.
 */
export function allowUnaskedContinue(socket: Socket): void {
  parserKey ??= Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser')
  if (parserKey === undefined) return
  const parser = (socket as unknown as Record<symbol, { onHeadersComplete?: OnHeadersComplete } | null | undefined>)[parserKey]
  const complete = parser?.onHeadersComplete
  if (parser == null || complete === undefined) return
  parser.onHeadersComplete = (status, upgrade, shouldKeepAlive) =>
    complete.call(parser, status === 100 ? unaskedContinue : status, upgrade, shouldKeepAlive)
}
