/** What instances tell each other, as text. Of another version nothing is read: two versions in one fleet judge for themselves. */
import type { FleetMessage, ToldEjection, ToldProbe } from '../core/fleet-health.ts'

const version = 1
/** Longer words are cut: they are for people. */
const longestWords = 300

/** @param from the sender, as `FleetLink.self` */
export function writeMessage(from: string, { isLeaving, ejections, probes }: FleetMessage): string {
  return JSON.stringify({
    v: version,
    from,
    leaving: isLeaving,
    ejections: ejections.map(({ service, target, remainingMs }) => [service, target, Math.round(remainingMs)]),
    probes: probes.map(({ key, n, isOk, ageMs, status, tookMs, error }) => {
      return [key, n, isOk, Math.round(ageMs), Math.round(tookMs * 100) / 100, status ?? null, error?.slice(0, longestWords) ?? null]
    })
  })
}

/** Undefined when the text is none of `writeMessage`: anybody may publish on a channel. */
export function readMessage(text: string): { readonly from: string; readonly message: FleetMessage } | undefined {
  const { v, from, leaving, ejections, probes } = parse(text)
  if (v !== version || typeof from !== 'string' || typeof leaving !== 'boolean') return undefined
  if (!Array.isArray(ejections) || !Array.isArray(probes)) return undefined
  const message = { isLeaving: leaving, ejections: ejections.map(toEjection), probes: probes.map(toProbe) }
  if (message.ejections.includes(undefined) || message.probes.includes(undefined)) return undefined
  return { from, message: message as FleetMessage }
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}

function toEjection(value: unknown): ToldEjection | undefined {
  const [service, target, remainingMs] = Array.isArray(value) ? value : []
  if (typeof service !== 'string' || typeof target !== 'string' || !isMs(remainingMs)) return undefined
  return { service, target, remainingMs }
}

function toProbe(value: unknown): ToldProbe | undefined {
  const [key, n, isOk, ageMs, tookMs, status, error] = Array.isArray(value) ? value : []
  if (typeof key !== 'string' || !Number.isInteger(n) || typeof isOk !== 'boolean' || !isMs(ageMs) || !isMs(tookMs)) return undefined
  const answered = Number.isInteger(status) ? (status as number) : undefined
  return { key, n, isOk, ageMs, tookMs, status: answered, error: typeof error === 'string' ? error.slice(0, longestWords) : undefined }
}

function isMs(value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}
