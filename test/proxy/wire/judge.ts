/** Runs one row against a proxy and judges it. */

import type { Row, Seen } from './row.ts'
import { status } from './sees.ts'
import { request } from './sends.ts'
import { type Message, WireFault } from './strict-reader.ts'
import { connectClient, type WireClient } from './wire-client.ts'
import { type Record, sentinelBody, sentinelPath, type WireTarget } from './wire-target.ts'

export interface Bench {
  /** Of the proxy, on 127.0.0.1. */
  readonly port: number
  /** Where the proxy forwards everything to. */
  readonly target: WireTarget
  /** How long a row waits for what should come, in milliseconds: it has failed then. */
  readonly patienceMs: number
  /** What is wrong with the proxy's process; undefined when it is the one that was started, and alive. */
  readonly health: () => string | undefined
}

const sentinel = request(`GET ${sentinelPath}`, ['Connection: close'])
/** No answer may hold these: addresses, library names, stacks. */
const inside = /ECONN|UND_ERR|undici|node:|node_modules|\bat \S+ \(|\/src\/|HPE_|EPIPE/

/** Runs the row; resolves with what is wrong, or undefined when it holds. */
export async function judge(row: Row, bench: Bench): Promise<string | undefined> {
  const { target } = bench
  target.begin(row.target)
  const client = await connectClient(bench.port, row.client.asks)
  const asked = await play(row, client, bench.patienceMs)
  client.socket.destroy()
  const fresh = await freshGet(bench)
  const record = target.record()
  // The next row shall not meet the end of a connection that we closed.
  if (record.closed) await freshGet(bench)
  return fresh ?? bench.health() ?? verdict(row, client, record, asked, target.port)
}

interface Played {
  /** Whether a request of the suite's own followed on the same connection. */
  readonly sentinel: boolean
  readonly end: Seen['end']
  /** Whether something that should have come did not. */
  readonly late: boolean
}

async function play({ client: { run, asks, leaves } }: Row, client: WireClient, patienceMs: number): Promise<Played> {
  let sentinelSent = false
  const script = async (): Promise<void> => {
    await run(client)
    if (leaves === true) return
    await client.answers(asks.length)
    if (isOpen(client)) {
      sentinelSent = true
      client.ask(sentinel, { method: 'GET', version: '1.1' })
    }
    await client.ended()
  }
  const late = await isLate(script(), patienceMs)
  return { sentinel: sentinelSent, end: client.end, late }
}

/** Whether `work` is not done within the time. */
async function isLate(work: Promise<void>, patienceMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<boolean>(resolve => {
    timer = setTimeout(resolve, patienceMs, true)
  })
  const late = await Promise.race([work.then(() => false), patience])
  clearTimeout(timer)
  return late
}

/** Whether the last answer says that the connection takes another request. */
function isOpen(client: WireClient): boolean {
  if (client.end !== 'open') return false
  try {
    const last = client.reading().messages.at(-1)
    if (last === undefined || last.framing === 'close') return false
    const options = last.fields.filter(([name]) => name === 'connection').map(([, value]) => value.toLowerCase())
    return last.version === '1.0' ? options.includes('keep-alive') : !options.includes('close')
  } catch (error) {
    if (error instanceof WireFault) return false
    throw error
  }
}

/** Another client, on a connection of its own, gets its answer. */
async function freshGet({ port, patienceMs }: Bench): Promise<string | undefined> {
  let client: WireClient | undefined
  try {
    client = await connectClient(port, [{ method: 'GET', version: '1.1' }])
    client.send(sentinel)
    await isLate(client.answers(1), patienceMs)
    const [first] = client.reading().messages
    return first?.status === 200 && first.body === sentinelBody
      ? undefined
      : `a fresh GET saw ${JSON.stringify(client.received.slice(0, 200))}`
  } catch (error) {
    return `a fresh GET failed: ${(error as Error).message}`
  } finally {
    client?.socket.destroy()
  }
}

function verdict(row: Row, client: WireClient, record: Record, played: Played, targetPort: number): string | undefined {
  const { client: sending, sees, receives, terms } = row
  if (record.fault !== undefined) return `the target received ${record.fault}`
  if (sending.leaves === true && played.late) return 'the target never saw the client leave'
  if (sending.leaves === true) return receives(toSeen(row, [], undefined, false, played, record))
  let seen: Seen
  try {
    const { messages, part, whole } = client.reading()
    seen = toSeen(row, messages, part, whole, played, record)
  } catch (error) {
    if (!(error instanceof WireFault)) throw error
    return `the client received ${error.message}, in ${JSON.stringify(client.received.slice(0, 300))}`
  }
  const late = played.late ? 'the connection stayed open, or an answer did not come' : undefined
  return leak(seen.answers, targetPort) ?? judgeSeen(seen, sees, receives, terms.mayRefuse) ?? late
}

function judgeSeen(seen: Seen, sees: Row['sees'], receives: Row['receives'], mayRefuse: readonly number[] | undefined): string | undefined {
  const fault = sees(seen) ?? receives(seen)
  if (fault === undefined || mayRefuse === undefined) return fault
  const refusal = seen.received.length > 0 ? 'forwarded it' : status(...mayRefuse)(seen)
  return refusal === undefined ? undefined : `${fault}; nor refused: ${refusal}`
}

function toSeen(
  { client }: Row,
  messages: readonly Message[],
  part: Message | undefined,
  whole: boolean,
  played: Played,
  record: Record
): Seen {
  const final = messages.filter(({ status }) => status >= 200)
  const last = final.at(-1)
  const kept = played.sentinel && final.length > client.asks.length && last?.status === 200 && last.body === sentinelBody
  const answers = kept ? final.slice(0, -1) : final
  return {
    asked: client.asks,
    answers,
    interim: messages.filter(({ status }) => status < 200),
    part,
    cut: !whole || (played.end === 'reset' && answers.length < client.asks.length),
    end: played.end,
    kept,
    received: record.received,
    partial: record.partial
  }
}

function leak(answers: readonly Message[], targetPort: number): string | undefined {
  for (const { fields, body, status } of answers) {
    if (status < 400 || fields.some(([name]) => name === 'x-from')) continue
    const text = `${fields.join('\n')}\n${body}`
    const found = inside.exec(text)?.[0] ?? (text.includes(`:${targetPort}`) ? `:${targetPort}` : undefined)
    if (found !== undefined) return `the inside shows: ${found}`
  }
  return undefined
}
