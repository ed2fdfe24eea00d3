/** The services that a rule names. They must be there, and cannot be deleted while it names them. */
import type { CompiledRule } from './route.ts'

export interface Reference {
  /** The id of the service. */
  readonly service: string
  /** Where the rule names it: a JSON pointer, relative to the rule. */
  readonly pointer: string
}

/** Where a rule or a service names the service that stands in for the one its breaker guards. */
export const fallbackPointer = '/breaker/fallback/target_service'

const none: readonly Reference[] = []

/** Each service once, at the first place that names it. */
export function referencesOf({ action, mirror, breaker }: CompiledRule): readonly Reference[] {
  const main = action.type === 'service' ? action.service : undefined
  const standIn = breaker?.fallbackService
  if (main === undefined && mirror === undefined && standIn === undefined) return none
  const list: Reference[] = []
  if (main !== undefined) list.push({ service: main, pointer: '/target_service' })
  if (mirror !== undefined && mirror.service !== main) list.push({ service: mirror.service, pointer: '/mirror/target_service' })
  if (standIn !== undefined && list.every(({ service }) => service !== standIn)) list.push({ service: standIn, pointer: fallbackPointer })
  return list
}
