/** From an item as somebody wrote it to an item that can be live. The one place that judges items: of the API, of files, of Redis. */
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { type CertificateWrite, CertificateWriteSchema } from '../../schemas/certificate.ts'
import { type ClientWrite, ClientWriteSchema } from '../../schemas/client.ts'
import { type ForwardRuleWrite, ForwardRuleWriteSchema } from '../../schemas/forward-rule.ts'
import { type Rollout, RolloutRecordSchema } from '../../schemas/rollout.ts'
import { type Service, type ServiceWrite, ServiceWriteSchema } from '../../schemas/service.ts'
import { type Tier, type TierWrite, TierWriteSchema } from '../../schemas/tier.ts'
import { toForwardRule, toService } from '../core/canonical.ts'
import type { Kind, StoredItem } from '../core/change.ts'
import { compileRule } from '../core/compile-rule.ts'
import { compileService } from '../core/compile-service.ts'
import { compileTier } from '../core/compile-tier.ts'
import type { ItemParser, ItemRefusal, ParsedItem } from '../core/live-item.ts'
import type { PathMode } from '../core/path.ts'
import { re2Engine } from '../regex/re2.ts'
import { compileCertificate } from './compile-certificate.ts'
import { compileClient } from './compile-client.ts'
import { withoutSecrets } from './kept-key.ts'
import { toFaults, toValidator } from './schema-faults.ts'
import { targetTlsFault } from './target-tls-fault.ts'

const validators: Record<Kind, ValidateFunction> = {
  forward_rule: toValidator(ForwardRuleWriteSchema),
  service: toValidator(ServiceWriteSchema),
  certificate: toValidator(CertificateWriteSchema),
  tier: toValidator(TierWriteSchema),
  client: toValidator(ClientWriteSchema),
  rollout: toValidator(RolloutRecordSchema)
}

const idPattern = /^[A-Za-z0-9._-]{1,64}$/

/** A parser for instances whose proxy takes `paths`. */
export function createItemParser(paths: PathMode): ItemParser {
  return stored => parse(stored, paths)
}

/** Checks, fills in and compiles `stored`. Pure: the same item gives the same answer on every instance. For strict paths. */
export const parseItem: ItemParser = createItemParser('strict')

function parse(stored: StoredItem, paths: PathMode): ParsedItem | ItemRefusal {
  const { kind, id, seq } = stored
  if (stored.fault !== undefined) return refuse('unreadable', '', stored.fault)
  if (!isRecord(stored.item)) return refuse('validation_failed', '', 'must be an object')
  if (stored.item.id !== undefined && stored.item.id !== id)
    return refuse('validation_failed', '/id', `must be '${id}', the id it is addressed by`)
  if (!idPattern.test(id)) return refuse('validation_failed', '/id', 'must be 1-64 of a-z A-Z 0-9 . _ -')
  // Ajv fills the defaults into what it validates: never into what the store or the client holds.
  const filled: unknown = structuredClone(stored.item)
  const validate = validators[kind]
  if (!validate(filled)) return { refused: true, code: 'validation_failed', faults: toFaults(validate.errors ?? []) }
  if (kind === 'certificate') return parseCertificate(filled as CertificateWrite, id)
  if (kind === 'tier') return parseTier(filled as TierWrite, id)
  if (kind === 'client') return parseClient(filled as ClientWrite, id)
  if (kind === 'rollout') return parseRollout(filled as Rollout)
  return kind === 'forward_rule' ? parseRule(filled as ForwardRuleWrite, id, seq, paths) : parseService(filled as ServiceWrite, id)
}

function parseRule(filled: ForwardRuleWrite, id: string, seq: number, paths: PathMode): ParsedItem | ItemRefusal {
  const item = toForwardRule(filled, id)
  const compiled = compileRule(item, seq, re2Engine, paths)
  if (!('action' in compiled)) return toRefusal(compiled.map(fault => ({ ...fault, pointer: asWritten(fault.pointer, filled) })))
  return { refused: false, kind: 'forward_rule', item, compiled }
}

// A fault of the only entry of a list is a fault of the string that was written in its place.
function asWritten(pointer: string, written: ForwardRuleWrite): string {
  const [, field] = /^\/(host|source_ip)\/0$/.exec(pointer) ?? []
  return field !== undefined && typeof written[field as 'host' | 'source_ip'] === 'string' ? `/${field}` : pointer
}

function parseService(filled: ServiceWrite, id: string): ParsedItem | ItemRefusal {
  const fault = filled.tls === undefined ? undefined : targetTlsFault(filled.tls)
  if (fault !== undefined) return refuse('validation_failed', fault.pointer, fault.detail)
  const whole = toService(filled, id)
  const compiled = compileService(whole)
  if (!('targets' in compiled)) return toRefusal(compiled)
  // What is shown and compared does not hold the secrets of `tls` and `discovery`: they are with what is compiled alone.
  const item = withoutSecrets('service', whole) as Service
  return { refused: false, kind: 'service', item, compiled: item === whole ? compiled : { ...compiled, item } }
}

function parseCertificate(filled: CertificateWrite, id: string): ParsedItem | ItemRefusal {
  const compiled = compileCertificate(filled, id)
  if ('detail' in compiled) return refuse('validation_failed', compiled.pointer, compiled.detail)
  return { refused: false, kind: 'certificate', ...compiled }
}

function parseTier(filled: TierWrite, id: string): ParsedItem | ItemRefusal {
  const compiled = compileTier({ ...filled, id } as unknown as Tier)
  return 'limits' in compiled ? { refused: false, kind: 'tier', item: compiled.item, compiled } : toRefusal(compiled)
}

function parseClient(filled: ClientWrite, id: string): ParsedItem | ItemRefusal {
  const compiled = compileClient(filled, id)
  return 'item' in compiled ? { refused: false, kind: 'client', item: compiled.item, compiled } : toRefusal(compiled)
}

function parseRollout(item: Rollout): ParsedItem | ItemRefusal {
  if (item.step >= item.steps.length) return refuse('validation_failed', '/step', 'is not the place of a step')
  return { refused: false, kind: 'rollout', item, compiled: undefined }
}

function toRefusal(faults: readonly { readonly code: string; readonly pointer: string; readonly detail: string }[]): ItemRefusal {
  const plain = faults.find(fault => fault.code !== 'unsafe_regex')
  return { refused: true, code: plain?.code ?? 'unsafe_regex', faults: faults.map(({ pointer, detail }) => ({ pointer, detail })) }
}

function refuse(code: string, pointer: string, detail: string): ItemRefusal {
  return { refused: true, code, faults: [{ pointer, detail }] }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
