/** Reads HTTP/1.x messages as RFC 9112 writes them, and takes nothing that two readers could read in two ways. */

export type Field = readonly [name: string, value: string]

/** How the end of a body is known (RFC 9112 section 6.3). */
export type Framing = 'none' | 'length' | 'chunked' | 'close'

export interface Message {
  readonly startLine: string
  /** Of a request; `''` for a response. */
  readonly method: string
  /** Of a request; `''` for a response. */
  readonly target: string
  /** Of a response; 0 for a request. */
  readonly status: number
  readonly version: '1.0' | '1.1'
  /** Names in lower case. */
  readonly fields: readonly Field[]
  readonly framing: Framing
  /** One character per byte. */
  readonly body: string
  readonly trailers: readonly Field[]
}

/** What a connection carried in one direction. */
export interface Reading {
  /** The complete messages. */
  readonly messages: readonly Message[]
  /** The head of a message whose end did not come; undefined when there is none, or not even a whole head. */
  readonly part: Message | undefined
  /** Whether everything read belongs to a complete message. */
  readonly whole: boolean
}

/** What of a request decides how its response is read. */
export interface Asked {
  readonly method: string
  readonly version: '1.0' | '1.1'
}

/** Thrown for bytes that are not well-formed. */
export class WireFault extends Error {}

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
// RFC 9110 section 5.5: NUL (and CR and LF) may never be passed on; other control characters may.
const fieldValue = /^[^\0\r\n]*$/
const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP\/1\.([01])$/
const statusLine = /^HTTP\/1\.([01]) ([1-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/
const authority = /^(?:[\w.~!$&'()*+;=%-]*|\[[0-9A-Fa-f:.]+\])(?::\d*)?$/
const chunkLine = /^([0-9A-Fa-f]{1,15})((?:[ \t]*;[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:=(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"[^"\\\r\n]*"))?)*)$/
const framingTrailers = new Set(['content-length', 'transfer-encoding', 'host', 'trailer', 'connection', 'te', 'content-encoding'])

/** Reads what a server got. @throws {WireFault} */
export function readRequests(bytes: string): Reading {
  return new Reader(bytes, false).run(undefined)
}

/**
 * Reads what a client got in answer to `asked`, in order; whatever comes after them is read as an answer to a GET. `ended` says that the
 * connection was closed in good order: it ends a body that has no other end. @throws {WireFault}
 */
export function readResponses(bytes: string, asked: readonly Asked[], ended: boolean): Reading {
  return new Reader(bytes, ended).run(asked)
}

interface Head {
  readonly startLine: string
  readonly method: string
  readonly target: string
  readonly status: number
  readonly version: '1.0' | '1.1'
  readonly fields: readonly Field[]
}

interface Content {
  readonly body: string
  readonly trailers: readonly Field[]
  /** Whether the end has come. */
  readonly whole: boolean
}

class Reader {
  readonly #text: string
  readonly #ended: boolean
  #at = 0

  constructor(text: string, ended: boolean) {
    this.#text = text
    this.#ended = ended
  }

  run(asked: readonly Asked[] | undefined): Reading {
    const messages: Message[] = []
    const waiting = [...(asked ?? [])]
    let closes = false
    while (this.#at < this.#text.length) {
      if (closes) throw new WireFault(`bytes after a response that closes: ${this.#peek()}`)
      const head = this.#head(asked === undefined)
      if (head === undefined) return { messages, part: undefined, whole: false }
      const question = waiting[0] ?? { method: 'GET', version: '1.1' as const }
      const framing = asked === undefined ? requestFraming(head) : responseFraming(head, question)
      const content = this.#content(head, framing)
      const message = { ...head, framing, body: content.body, trailers: content.trailers }
      if (!content.whole) return { messages, part: message, whole: false }
      messages.push(message)
      if (asked === undefined || head.status >= 200) waiting.shift()
      closes = asked !== undefined && head.status >= 200 && endsConnection(head)
    }
    return { messages, part: undefined, whole: true }
  }

  #peek(): string {
    return JSON.stringify(this.#text.slice(this.#at, this.#at + 60))
  }

  // undefined: not all of it has come.
  #line(what: string): string | undefined {
    const end = this.#text.indexOf('\n', this.#at)
    const line = this.#text.slice(this.#at, end === -1 ? undefined : end)
    const cr = line.indexOf('\r')
    if (cr !== -1 && cr !== line.length - 1) throw new WireFault(`a bare CR in ${what}: ${this.#peek()}`)
    if (end === -1) return undefined
    if (cr === -1) throw new WireFault(`a bare LF in ${what}: ${this.#peek()}`)
    this.#at = end + 1
    return line.slice(0, -1)
  }

  #head(isRequest: boolean): Head | undefined {
    const startLine = this.#line('the start line')
    if (startLine === undefined) return undefined
    const start = isRequest ? toRequestStart(startLine) : toResponseStart(startLine)
    const fields = this.#fields('the header section')
    return fields === undefined ? undefined : { startLine, ...start, fields }
  }

  #fields(where: string): Field[] | undefined {
    const fields: Field[] = []
    for (;;) {
      const line = this.#line(where)
      if (line === undefined) return undefined
      if (line === '') return fields
      const colon = line.indexOf(':')
      const name = line.slice(0, Math.max(0, colon))
      const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')
      if (!token.test(name)) throw new WireFault(`no field name in ${where}: ${JSON.stringify(line.slice(0, 80))}`)
      if (!fieldValue.test(value)) throw new WireFault(`a control character in the value of ${name}`)
      fields.push([name.toLowerCase(), value])
    }
  }

  #content(head: Head, framing: Framing): Content {
    if (framing === 'none') return { body: '', trailers: [], whole: true }
    if (framing === 'chunked') return this.#chunks()
    const rest = this.#text.slice(this.#at)
    if (framing === 'close') {
      this.#at = this.#text.length
      return { body: rest, trailers: [], whole: this.#ended }
    }
    const length = Number(valuesOf(head, 'content-length')[0])
    const body = rest.slice(0, length)
    this.#at += body.length
    return { body, trailers: [], whole: body.length === length }
  }

  #chunks(): Content {
    let body = ''
    const part = () => ({ body, trailers: [], whole: false })
    for (;;) {
      const line = this.#line('a chunk size')
      if (line === undefined) return part()
      const [, digits] = chunkLine.exec(line) ?? []
      if (digits === undefined) throw new WireFault(`no chunk size: ${JSON.stringify(line.slice(0, 80))}`)
      const size = Number.parseInt(digits, 16)
      if (size === 0) break
      const data = this.#text.slice(this.#at, this.#at + size)
      body += data
      this.#at += data.length
      if (data.length < size) return part()
      const end = this.#text.slice(this.#at, this.#at + 2)
      if (!'\r\n'.startsWith(end)) throw new WireFault(`no CRLF after a chunk: ${this.#peek()}`)
      this.#at += end.length
      if (end.length < 2) return part()
    }
    const trailers = this.#fields('the trailer section')
    if (trailers === undefined) return part()
    for (const [name] of trailers) if (framingTrailers.has(name)) throw new WireFault(`${name} in the trailer section`)
    return { body, trailers, whole: true }
  }
}

function toRequestStart(line: string): Omit<Head, 'startLine' | 'fields'> {
  const [, method, target, minor] = requestLine.exec(line) ?? []
  if (method === undefined || target === undefined) throw new WireFault(`no request line: ${JSON.stringify(line.slice(0, 80))}`)
  if (target.includes('#')) throw new WireFault(`a fragment in the request target: ${target.slice(0, 80)}`)
  return { method, target, status: 0, version: minor === '0' ? '1.0' : '1.1' }
}

function toResponseStart(line: string): Omit<Head, 'startLine' | 'fields'> {
  const [, minor, status] = statusLine.exec(line) ?? []
  if (status === undefined) throw new WireFault(`no status line: ${JSON.stringify(line.slice(0, 80))}`)
  return { method: '', target: '', status: Number(status), version: minor === '0' ? '1.0' : '1.1' }
}

function valuesOf({ fields }: Pick<Head, 'fields'>, name: string): string[] {
  return fields.filter(([key]) => key === name).map(([, value]) => value)
}

/** What the framing fields say; a fault when they say two things, or one that not everybody understands alike. */
function declared(head: Head): 'chunked' | 'length' | undefined {
  const codings = valuesOf(head, 'transfer-encoding')
  const lengths = valuesOf(head, 'content-length')
  if (lengths.length > 1) throw new WireFault('more than one Content-Length')
  if (lengths[0] !== undefined && !/^\d{1,15}$/.test(lengths[0])) throw new WireFault(`Content-Length: ${lengths[0]}`)
  if (codings.length === 0) return lengths.length === 0 ? undefined : 'length'
  if (lengths.length > 0) throw new WireFault('Content-Length and Transfer-Encoding')
  if (head.version === '1.0') throw new WireFault('Transfer-Encoding in HTTP/1.0')
  if (codings.join(', ').toLowerCase() !== 'chunked') throw new WireFault(`Transfer-Encoding: ${codings.join(', ')}`)
  return 'chunked'
}

function requestFraming(head: Head): Framing {
  const hosts = valuesOf(head, 'host')
  if (hosts.length > 1 || (hosts.length === 0 && head.version === '1.1')) throw new WireFault(`${hosts.length} Host fields`)
  if (hosts[0] !== undefined && !authority.test(hosts[0])) throw new WireFault(`Host: ${hosts[0]}`)
  return declared(head) ?? 'none'
}

function responseFraming(head: Head, asked: Asked): Framing {
  const { status } = head
  const framing = declared(head)
  if (status < 200 && asked.version === '1.0') throw new WireFault(`${status} to a client of HTTP/1.0`)
  if (framing === 'chunked' && asked.version === '1.0') throw new WireFault('Transfer-Encoding to a client of HTTP/1.0')
  // RFC 9112 section 6.1, RFC 9110 section 8.6
  if ((status < 200 || status === 204) && framing !== undefined) throw new WireFault(`${status} with ${framing}`)
  if (asked.method === 'HEAD' || status < 200 || status === 204 || status === 304) return 'none'
  return framing ?? 'close'
}

function endsConnection(head: Head): boolean {
  const options = valuesOf(head, 'connection').join(',').toLowerCase().split(',')
  return options.some(option => option.trim() === 'close')
}
