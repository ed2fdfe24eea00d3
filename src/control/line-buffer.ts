/** Gathers the lines of one turn of the event loop into one write: what takes them copies its whole buffer at each write. */

import { type Logger, symbols } from 'pino'

export interface LineSink {
  write(text: string): unknown
}

export class LineBuffer {
  readonly #sink: LineSink
  #lines = ''

  constructor(sink: LineSink) {
    this.#sink = sink
  }

  /** Takes a line with its line break; it is written before the event loop waits again. */
  write(line: string): void {
    if (this.#lines === '') setImmediate(() => this.flush())
    this.#lines += line
  }

  /** Writes what is there now. */
  flush(): void {
    if (this.#lines === '') return
    const lines = this.#lines
    this.#lines = ''
    this.#sink.write(lines)
  }
}

/** Where `logger` writes. Pino exports the symbol, but its types leave out what stands there. */
export function sinkOf(logger: Logger): LineSink {
  return (logger as Logger & { readonly [symbols.streamSym]: LineSink })[symbols.streamSym]
}
