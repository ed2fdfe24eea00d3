/** How long a server may be silent while an answer is due, in milliseconds. Less than the second that a writer waits at most. */
export const silenceMs = 900

/**
 * `promise`, or a rejection with `reason` after `ms` milliseconds. What the promise stood for goes on: only the wait ends.
 */
export async function within<T>(ms: number, reason: string, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    // After a blocked event loop timers come first: an answer that is already in the socket is still to be read.
    timer = setTimeout(() => setImmediate(reject, new Error(reason)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
