/** What a rule does with a request: exactly one of `target_service`, `target`, `redirect`, `respond`. */
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import { compileFields } from './header-edits.ts'
import type { Action } from './route.ts'
import type { Faults } from './rule-fault.ts'
import { compileTarget } from './target-address.ts'

const choices = ['target_service', 'target', 'redirect', 'respond'] as const

// RFC 9110 sections 15.3.5, 15.3.6, 15.4.5: answers that have no content.
const withoutBody: ReadonlySet<number> = new Set([204, 205, 304])

/** The action of `item`; undefined after a fault. */
export function compileAction(item: ForwardRule, faults: Faults): Action | undefined {
  const given = choices.filter(choice => item[choice] !== undefined)
  if (given.length !== 1) {
    if (given.length === 0) faults.add([], `needs exactly one of ${choices.join(', ')}`)
    for (const choice of given) faults.add([choice], `only one of ${choices.join(', ')} may be given; here are ${given.join(' and ')}`)
    return undefined
  }
  if (item.target_service !== undefined) return { type: 'service', service: item.target_service }
  if (item.redirect !== undefined) return { type: 'redirect', status: item.redirect.status ?? 308 }
  return item.target === undefined ? compileRespond(item.respond!, faults) : compileTargetAction(item.target, faults)
}

function compileTargetAction(url: string, faults: Faults): Action | undefined {
  const target = compileTarget(url, 1)
  if (typeof target !== 'string') return { type: 'target', target }
  faults.add(['target'], target)
  return undefined
}

function compileRespond(respond: NonNullable<ForwardRule['respond']>, faults: Faults): Action {
  const { status = 200, headers, body = '' } = respond
  if (body !== '' && withoutBody.has(status)) faults.add(['respond', 'body'], `an answer with status ${status} has no body`)
  return { type: 'respond', status, headers: compileFields(headers, ['respond', 'headers'], faults), body }
}
