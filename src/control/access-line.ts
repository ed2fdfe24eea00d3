/**
 * A line of the access log, as text. It is written for every request, and assembled by hand: a general serialiser would cost more than
 * finding the route does.
 */

/** What is logged, in this order. Fields that do not apply are left out. */
export interface AccessLine {
  readonly request_id: string
  /** The client's address after trusted proxies. */
  readonly client_ip: string | undefined
  /** The id of the client that it comes from, where it is known. */
  readonly client?: string | undefined
  readonly method: string | undefined
  /** Host and port as the client named them. */
  readonly host: string | undefined
  /** As sent, without the query. */
  readonly path: string | undefined
  /** With its `?`, as sent. */
  readonly query: string | undefined
  /** `HTTP/1.1` */
  readonly protocol: string | undefined
  /** 499 when the client left before there was an answer. */
  readonly status: number
  readonly rule: string | undefined
  readonly service: string | undefined
  /** The target's URL, as the operator wrote it. */
  readonly target: string | undefined
  /** Of the answer's body. */
  readonly bytes_sent: number
  /** Of the messages that the client of a WebSocket sent. */
  readonly bytes_received?: number | undefined
  /** From the request's header section to the end of the exchange. To the microsecond, as is `upstream_ms`. */
  readonly duration_ms: number
  /** From sending the request to the head of the target's answer. */
  readonly upstream_ms: number | undefined
  /** How many requests were sent to targets, when there was more than one. */
  readonly attempts: number | undefined
  /** The answer did not reach the client as a whole. */
  readonly aborted: true | undefined
  /** The code of the problem that was answered or that broke the answer off. */
  readonly error: string | undefined
  /** What the target's connection said, such as `ECONNREFUSED`. */
  readonly upstream_error: string | undefined
}

/** One line of JSON with its line break, in the form of pino: `level` 30 (info), `time` in milliseconds since the epoch, `msg`. */
export function toText(line: AccessLine, nowMs: number): string {
  return (
    `{"level":30,"time":${timeText(nowMs)},"request_id":${quote(line.request_id)}${optional('client_ip', line.client_ip)}${optional('client', line.client)}` +
    `${optional('method', line.method)}${optional('host', line.host)}${optional('path', line.path)}${optional('query', line.query)}` +
    `${optional('protocol', line.protocol)},"status":${line.status}${optional('rule', line.rule)}${optional('service', line.service)}` +
    `${optional('target', line.target)},"bytes_sent":${line.bytes_sent}` +
    (line.bytes_received === undefined ? '' : `,"bytes_received":${line.bytes_received}`) +
    `,"duration_ms":${milliseconds(line.duration_ms)}` +
    (line.upstream_ms === undefined ? '' : `,"upstream_ms":${milliseconds(line.upstream_ms)}`) +
    (line.attempts === undefined ? '' : `,"attempts":${line.attempts}`) +
    (line.aborted === undefined ? '' : ',"aborted":true') +
    `${optional('error', line.error)}${optional('upstream_error', line.upstream_error)},"msg":"request"}\n`
  )
}

function optional(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${quote(value)}`
}

const needsEscape = /[^\x20\x21\x23-\x5b\x5d-\x7e]/

function quote(text: string): string {
  return needsEscape.test(text) ? JSON.stringify(text) : `"${text}"`
}

/** Three decimals, by way of integers: writing a fraction is many times slower. */
function milliseconds(value: number): string {
  const microseconds = Math.round(value * 1_000)
  const whole = Math.floor(microseconds / 1_000)
  const rest = microseconds - whole * 1_000
  return `${whole}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}`
}

let lastMs = 0
let lastText = '0'

/** Under load many lines fall into one millisecond. */
function timeText(nowMs: number): string {
  if (nowMs !== lastMs) {
    lastMs = nowMs
    lastText = String(nowMs)
  }
  return lastText
}
