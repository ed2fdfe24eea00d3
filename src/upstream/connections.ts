/** The WebSockets that are open. `node:http` forgets a connection once it is upgraded; whoever counts, lists or ends them looks here. */

import type { Duplex } from 'node:stream'

/** What went one way. */
export interface Traffic {
  readonly messages: number
  /** Of the messages' content. */
  readonly bytes: number
}

export interface OpenConnection {
  /** Names it in the admin API. */
  readonly id: string
  /** The place in the order of opening; grows. */
  readonly seq: number
  readonly requestId: string
  /** The rule's id when it was opened; the rule may be gone. */
  readonly rule: string
  readonly service: string | undefined
  /** The target's URL, as the operator wrote it. */
  readonly target: string
  /** After trusted proxies. */
  readonly clientIp: string
  /** Milliseconds since the epoch. */
  readonly sinceMs: number
  /** The sub-protocol that was agreed on; `''` is none. */
  readonly protocol: string
  readonly received: Traffic
  readonly sent: Traffic
  /** Begins the closing handshake with both sides; ends both when one does not answer. */
  close(code: number, reason: string): void
  /** Ends both sides at once. */
  terminate(): void
}

/** What is counted per rule; kept as plain numbers, read at a scrape. */
export interface RuleTally {
  readonly rule: string
  open: number
  /** Open ones and those whose handshake is under way. */
  taken: number
  messagesReceived: number
  messagesSent: number
}

export class Connections {
  readonly #open = new Map<string, OpenConnection>()
  readonly #tallies = new Map<string, RuleTally>()
  readonly #sockets = new Set<Duplex>()
  #lastSeq = 0

  /** How many are open. */
  get size(): number {
    return this.#open.size
  }

  /** The tallies of all rules that had a WebSocket. */
  get tallies(): Iterable<RuleTally> {
    return this.#tallies.values()
  }

  /** Remembers a connection that was upgraded, from before its handshake is answered until it is closed. */
  watch(socket: Duplex): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  /** A place for one more of this rule, to be given back with `release`; undefined when `max` of them are taken. */
  reserve(rule: string, max: number | null): RuleTally | undefined {
    let tally = this.#tallies.get(rule)
    if (tally === undefined) {
      tally = { rule, open: 0, taken: 0, messagesReceived: 0, messagesSent: 0 }
      this.#tallies.set(rule, tally)
    }
    if (max !== null && tally.taken >= max) return undefined
    tally.taken++
    return tally
  }

  release(tally: RuleTally): void {
    tally.taken--
  }

  nextSeq(): number {
    return ++this.#lastSeq
  }

  add(connection: OpenConnection, tally: RuleTally): void {
    tally.open++
    this.#open.set(connection.id, connection)
  }

  remove(connection: OpenConnection, tally: RuleTally): void {
    if (this.#open.delete(connection.id)) tally.open--
  }

  get(id: string): OpenConnection | undefined {
    return this.#open.get(id)
  }

  /** All that are open, or those of a rule, oldest first. */
  list(rule?: string): OpenConnection[] {
    const all = [...this.#open.values()]
    return rule === undefined ? all : all.filter(connection => connection.rule === rule)
  }

  /** Begins the closing handshake with everybody. */
  closeAll(code: number, reason: string): void {
    for (const connection of this.list()) connection.close(code, reason)
  }

  /** Ends everybody at once, also those whose handshake is under way. */
  terminateAll(): void {
    for (const connection of this.list()) connection.terminate()
    for (const socket of this.#sockets) socket.destroy()
  }

  /** Forgets what was counted for rules that are gone and have no WebSocket left. */
  retain(isLive: (rule: string) => boolean): void {
    for (const [rule, { taken }] of this.#tallies) if (taken === 0 && !isLive(rule)) this.#tallies.delete(rule)
  }
}
