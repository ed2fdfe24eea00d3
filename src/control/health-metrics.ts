/** What is measured of the health of targets. It is read at a scrape: series of what is gone are gone by themselves. */
import { Counter, Gauge, type Registry } from '@prometheus-io/client'
import type { HealthReading } from '../upstream/services-health.ts'

export interface HealthMetrics {
  /** Where the readings come from. Default: there are none. */
  readHealth(source: () => readonly HealthReading[]): void
}

export function createHealthMetrics(registry: Registry): HealthMetrics {
  const registers = [registry]
  let read: () => readonly HealthReading[] = () => []
  new Gauge({
    name: 'sluice_target_up',
    help: '0: probes of the target fail, or it is ejected. Targets of services with health_check or outlier.',
    labelNames: ['service', 'target'],
    registers,
    collect() {
      this.reset()
      for (const { service, targets } of read()) for (const { target, isUp } of targets) this.set({ service, target }, isUp ? 1 : 0)
    }
  })
  new Counter({
    name: 'sluice_target_ejections_total',
    help: 'How often a target was ejected.',
    labelNames: ['service', 'target'],
    registers,
    collect() {
      this.reset()
      for (const { service, targets } of read()) for (const { target, ejections } of targets) this.inc({ service, target }, ejections)
    }
  })
  new Gauge({
    name: 'sluice_service_panic',
    help: '1: ejections are disregarded, as otherwise no target would be left.',
    labelNames: ['service'],
    registers,
    collect() {
      this.reset()
      for (const { service, isPanic } of read()) this.set({ service }, isPanic ? 1 : 0)
    }
  })
  return {
    readHealth: source => {
      read = source
    }
  }
}
