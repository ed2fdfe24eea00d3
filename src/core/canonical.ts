/** Brings a checked item, as written, to its canonical form: aliases resolved, lists are lists, defaults filled in by the schema. */
import type { ForwardRule, ForwardRuleWrite } from '../../schemas/forward-rule.ts'
import type { Service, ServiceWrite } from '../../schemas/service.ts'

/**
 * @param filled a rule that passed the schema, with the schema's defaults filled in. It is changed and becomes the result.
 * @param id what the rule is called; wins over an `id` of its own.
 */
export function toForwardRule(filled: ForwardRuleWrite, id: string): ForwardRule {
  const { id: _written, method, methods, host, source_ip, ...rest } = filled
  const rule: Record<string, unknown> = { id, ...rest }
  const allMethods = [...toList(methods), ...toList(method)].map(name => name.toUpperCase())
  if (allMethods.length > 0) rule.methods = [...new Set(allMethods)]
  if (host !== undefined) rule.host = toList(host).map(name => name.toLowerCase())
  if (source_ip !== undefined) rule.source_ip = toList(source_ip)
  return rule as unknown as ForwardRule
}

/** As `toForwardRule`, for a service. */
export function toService(filled: ServiceWrite, id: string): Service {
  return { ...filled, id } as unknown as Service
}

function toList<T>(value: T | readonly T[] | undefined): readonly T[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value as T]
}
