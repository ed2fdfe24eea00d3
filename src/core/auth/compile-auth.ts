/** What a rule says about who may use it, compiled. */
import { type Auth, defaultApiKeyAuth } from '../../../schemas/auth.ts'
import type { RequestFacts } from '../facts.ts'
import type { Faults } from '../rule-fault.ts'

export interface CompiledAuth {
  /** How to read each API key that a request may show; undefined when it shows none there. */
  readonly apiKeys: readonly ((facts: RequestFacts) => string | undefined)[]
  /** Whether a request that shows nothing passes. */
  readonly allowsAnonymous: boolean
  /** Header fields, in lower case, that the target does not get. */
  readonly hidden: readonly string[]
}

/** `auth` of a rule. What is wrong with it goes to `faults`. */
export function compileAuth(written: Auth | undefined, faults: Faults): CompiledAuth | undefined {
  if (written === undefined) return undefined
  const fields: string[] = []
  const hidden: string[] = []
  let allowsAnonymous = false
  for (const [index, way] of written.any_of.entries()) {
    if (way.type === 'anonymous') {
      allowsAnonymous = true
      continue
    }
    const { in: place, hide_credentials } = { ...defaultApiKeyAuth, ...way }
    const field = place.slice('header:'.length).toLowerCase()
    if (fields.includes(field)) faults.add(['auth', 'any_of', index, 'in'], 'is named twice')
    fields.push(field)
    if (hide_credentials) hidden.push(field)
  }
  if (fields.length === 0) faults.add(['auth', 'any_of'], 'needs a way that is not anonymous: leave `auth` out to let everybody in')
  return { apiKeys: fields.map(field => facts => facts.header(field)), allowsAnonymous, hidden }
}
