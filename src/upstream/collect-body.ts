/** Copies the body of a request while others read it. */
import type { IncomingMessage } from 'node:http'
import { isCutOff } from './inbound-http2.ts'

/** The whole body; `too_large` when it has more bytes than were asked for; `aborted` when its end did not come. */
export type CollectedBody = Buffer | 'too_large' | 'aborted'

/**
 * Calls `done` once. Reads nothing by itself: it hears what flows for others, who must not have begun. The function that it returns
 * gives up, for when nothing more will come.
 */
export function collectBody(source: IncomingMessage, maxBytes: number, done: (body: CollectedBody) => void): () => void {
  const chunks: Buffer[] = []
  let length = 0
  let isDone = false
  const finish = (result: CollectedBody): void => {
    if (isDone) return
    isDone = true
    source.off('data', onData).off('end', onEnd)
    done(result)
  }
  const onData = (chunk: Buffer): void => {
    length += chunk.length
    chunks.push(chunk)
    if (length > maxBytes) finish('too_large')
  }
  const onEnd = (): void => finish(isCutOff(source) ? 'aborted' : Buffer.concat(chunks, length))
  // Otherwise the first listener would set it flowing.
  source.pause()
  source.on('data', onData).once('end', onEnd)
  return () => finish('aborted')
}
