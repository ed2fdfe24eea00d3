/** What is measured of WebSockets, read at a scrape from the list of those that are open. */
import { Counter, Gauge, type Registry } from '@prometheus-io/client'
import type { Connections, RuleTally } from '../upstream/connections.ts'

export interface WebSocketMetrics {
  /** The lists that are read, one for each process's data plane. Nothing is reported without any. */
  watchConnections(connections: Connections): void
}

export function createWebSocketMetrics(registry: Registry): WebSocketMetrics {
  const watched = new Set<Connections>()
  const tallies = (): RuleTally[] => [...watched].flatMap(({ tallies }) => [...tallies])
  new Gauge({
    name: 'sluice_websocket_connections',
    help: 'Open WebSockets, by rule.',
    labelNames: ['rule'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { rule, open } of tallies()) this.inc({ rule }, open)
    }
  })
  new Counter({
    name: 'sluice_websocket_messages_total',
    help: 'Messages of WebSockets, by rule and direction: received from clients, sent to clients.',
    labelNames: ['rule', 'direction'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { rule, messagesReceived, messagesSent } of tallies()) {
        this.inc({ rule, direction: 'received' }, messagesReceived)
        this.inc({ rule, direction: 'sent' }, messagesSent)
      }
    }
  })
  return { watchConnections: connections => void watched.add(connections) }
}
