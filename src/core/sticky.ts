/** Sticky sessions: the cookie that names a target. */
import type { Service } from '../../schemas/service.ts'
import type { CompiledSticky } from './route.ts'
import type { Faults } from './rule-fault.ts'

/** A cookie of these names must be Secure, and one of the second must have no Domain: browsers drop it where that does not hold. */
const prefixed = /^__(secure|host|http|host-http)-/i

export function compileSticky({ cookie, ttl_s: ttlS }: NonNullable<Service['sticky']>, faults: Faults): CompiledSticky {
  if (prefixed.test(cookie)) faults.add(['sticky', 'cookie'], 'must not begin with a prefix that browsers give a meaning to')
  const age = ttlS === null ? '' : `; Max-Age=${ttlS}`
  return { cookie, attributes: `; Path=/${age}; HttpOnly; SameSite=Lax` }
}
