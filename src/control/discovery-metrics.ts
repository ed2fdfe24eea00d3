/** What is measured of the sources of targets. It is read at a scrape: series of what is gone are gone by themselves. */
import { Gauge, type Registry } from '@prometheus-io/client'
import type { DiscoveryReading } from '../discovery/discoveries.ts'

export interface DiscoveryMetrics {
  /** Where the readings come from. Default: there are none. */
  readDiscovery(source: () => readonly DiscoveryReading[]): void
}

export function createDiscoveryMetrics(registry: Registry): DiscoveryMetrics {
  let read: () => readonly DiscoveryReading[] = () => []
  const gauge = (name: string, help: string, measure: (reading: DiscoveryReading) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['service'],
      registers: [registry],
      collect() {
        this.reset()
        for (const reading of read()) this.set({ service: reading.service }, measure(reading))
      }
    })
  gauge('sluice_discovery_targets', 'Targets that the source of the service has found.', ({ targets }) => targets)
  gauge('sluice_discovery_up', '0: the source of the service does not answer; what it found before stays in use.', ({ isUp }) =>
    isUp ? 1 : 0
  )
  return {
    readDiscovery: source => {
      read = source
    }
  }
}
