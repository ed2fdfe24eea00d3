/** What a gateway takes at once, and how it knows that it is too much. One object per process, shared by its planes. */
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { type TLSSocket, Server as TlsServer } from 'node:tls'
import { getHeapStatistics } from 'node:v8'
import { type GuardLimits, OverloadGuard, type Reading, type Strain } from '../core/overload-guard.ts'

/** 0 is no limit. */
export interface OverloadLimits extends GuardLimits {
  /** Connections of clients. */
  readonly maxConnections: number
  /** Requests in flight, in all. */
  readonly maxRequests: number
}

/** Why a request is refused: too many connections or requests, or what the process is short of. */
export type OverloadReason = 'connections' | 'requests' | Strain

/** What of it is told: to metrics and to the log. */
export interface OverloadListener {
  /** Readings were taken. */
  onReading(reading: Reading, connections: number): void
  /** New requests are refused from now on, or no longer. */
  onStrain(strain: Strain | undefined, reading: Reading): void
}

/** What `/health` says of it. */
export interface OverloadReport {
  readonly status: 'UP' | 'DEGRADED'
  /** Why new requests are refused now. */
  readonly reasons: readonly OverloadReason[]
  readonly connections: number
  readonly requests_in_flight: number
  readonly event_loop_delay_ms: number
  readonly heap_percent: number
}

const sampleMs = 500
const resolutionMs = 20
/** How many connections above the limit are kept so that they can be answered; those above are closed at once. */
const surplusLimit = 1_000

export class Overload {
  readonly #limits: OverloadLimits
  readonly #guard: OverloadGuard
  readonly #listener: OverloadListener
  readonly #delays: ReturnType<typeof monitorEventLoopDelay>
  readonly #sampler: NodeJS.Timeout
  readonly #maxRequests: number
  readonly #surplus = new WeakSet<Socket>()
  #surplusCount = 0
  #connections = 0
  #requests = 0
  #reading: Reading = { eventLoopDelayMs: 0, heapPercent: 0 }

  constructor(limits: OverloadLimits, listener: OverloadListener) {
    this.#limits = limits
    this.#listener = listener
    this.#guard = new OverloadGuard(limits)
    this.#maxRequests = limits.maxRequests === 0 ? Infinity : limits.maxRequests
    this.#delays = monitorEventLoopDelay({ resolution: resolutionMs })
    this.#delays.enable()
    this.#sampler = setInterval(() => this.record(this.#read(), performance.now()), sampleMs).unref()
  }

  /** Why a request that comes in on this connection is refused; undefined when it may go on. Called for every request. */
  refusalOf(socket: Socket): OverloadReason | undefined {
    if (this.#guard.strain !== undefined) return this.#guard.strain
    if (this.#requests >= this.#maxRequests) return 'requests'
    return this.#surplusCount > 0 && this.#surplus.has(socket) ? 'connections' : undefined
  }

  /** A request was let in. */
  requestStarted(): void {
    this.#requests++
  }

  /** A request that was let in is over. */
  requestEnded(): void {
    this.#requests--
  }

  /** Counts the connections of a server from now on. On those above the limit every request is refused, as far as they are not too many, too. */
  watch(server: Server): void {
    const isTls = server instanceof TlsServer
    server.on('connection', (socket: Socket) => {
      this.#count(socket)
      if (!isTls) this.#tag(socket)
    })
    // Requests of a TLS connection have the socket of this event. HTTP/2 ones have none that is known here.
    if (isTls)
      server.on('secureConnection', (socket: TLSSocket) => {
        if (socket.alpnProtocol !== 'h2') this.#tag(socket)
        else if (this.#isAbove(0)) socket.destroy()
      })
  }

  /** Takes note of readings, as the timer does. */
  record(reading: Reading, nowMs: number): void {
    const before = this.#guard.strain
    this.#reading = reading
    this.#guard.record(reading, nowMs)
    this.#listener.onReading(reading, this.#connections)
    if (this.#guard.strain !== before) this.#listener.onStrain(this.#guard.strain, reading)
  }

  report(): OverloadReport {
    const { strain } = this.#guard
    const reasons: OverloadReason[] = []
    if (strain !== undefined) reasons.push(strain)
    if (this.#requests >= this.#maxRequests) reasons.push('requests')
    if (this.#surplusCount > 0) reasons.push('connections')
    return {
      status: reasons.length === 0 ? 'UP' : 'DEGRADED',
      reasons,
      connections: this.#connections,
      requests_in_flight: this.#requests,
      event_loop_delay_ms: Math.round(this.#reading.eventLoopDelayMs * 10) / 10,
      heap_percent: Math.round(this.#reading.heapPercent * 10) / 10
    }
  }

  /** Stops measuring. */
  close(): void {
    clearInterval(this.#sampler)
    this.#delays.disable()
  }

  #count(socket: Socket): void {
    this.#connections++
    socket.once('close', () => this.#connections--)
    if (this.#isAbove(surplusLimit)) socket.destroy()
  }

  #tag(socket: Socket): void {
    if (!this.#isAbove(0)) return
    this.#surplus.add(socket)
    this.#surplusCount++
    socket.once('close', () => this.#surplusCount--)
  }

  #isAbove(surplus: number): boolean {
    const { maxConnections } = this.#limits
    return maxConnections !== 0 && this.#connections > maxConnections + surplus
  }

  // The histogram holds the time between two ticks, which is the resolution when nothing is late.
  #read(): Reading {
    const mean = this.#delays.count === 0 ? 0 : this.#delays.mean / 1e6
    this.#delays.reset()
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    return { eventLoopDelayMs: Math.max(0, mean - resolutionMs), heapPercent: (used / limit) * 100 }
  }
}
