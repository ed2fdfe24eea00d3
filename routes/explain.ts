/** `/explain`: what would become of a request. Sends nothing. */
import type { FastifyPluginCallback, FastifyRequest } from 'fastify'
import { type ExplainRequest, ExplainRequestSchema, type Explanation, ExplanationSchema } from '../schemas/admin-explain.ts'
import { answer, problems } from '../schemas/answers.ts'
import type { BreakerReport } from '../schemas/breaker.ts'
import { authenticate } from '../src/control/authenticate.ts'
import { type ExplainAnswer, explainRequest, type StateLookup } from '../src/control/explain-request.ts'
import { reportLimits } from '../src/control/limit-report.ts'
import type { LiveConfig } from '../src/control/live-config.ts'
import { loadedState } from '../src/control/loaded-state.ts'
import type { RequestFacts } from '../src/core/facts.ts'
import type { PathMode } from '../src/core/path.ts'
import type { CompiledRule } from '../src/core/route.ts'
import type { Snapshot } from '../src/core/snapshot.ts'
import type { LimitedRequest } from '../src/limits/admission.ts'
import type { Limiter } from '../src/limits/limiter.ts'
import type { Breakers } from '../src/upstream/breakers.ts'

export interface ExplainRoutesOptions {
  readonly live: LiveConfig
  readonly breakers: Breakers
  readonly limiter: Limiter
  /** What the proxy takes in a path. */
  readonly paths: PathMode
  /** The live state of a service. */
  readonly stateOf: StateLookup
}

const explainSchema = {
  operationId: 'explainRequest',
  tags: ['Diagnosis'],
  summary: 'Say where a request would go, and why',
  description:
    'The rule that would take it, the runners-up and what decided, and the rules of the same path with the predicate that failed.',
  body: ExplainRequestSchema,
  response: { 200: answer('What would become of the request.', ExplanationSchema), ...problems(413, 415, 503) }
} as const

const explainRoutes: FastifyPluginCallback<ExplainRoutesOptions> = (app, { live, paths, stateOf, breakers, limiter }, done) => {
  app.post('/explain', { schema: explainSchema, config: { role: 'viewer' } }, async (request: FastifyRequest<{ Body: ExplainRequest }>) => {
    const { snapshot } = loadedState(live)
    const { answer: explained, facts } = explainRequest(snapshot, request.body, { now: Date.now(), paths, stateOf })
    const rule = explained.rule === null ? undefined : snapshot.rule(explained.rule)
    const { client, auth } = identify(snapshot, rule, facts)
    const limits = rule === undefined ? [] : await reportLimits(limiter, limitedRequest(snapshot, rule, facts))
    return { ...explained, client, auth, breaker: breakerOf(breakers, snapshot, explained), limits }
  })
  done()
}

/** Who it comes from, and whether the rule lets that one in. */
function identify(snapshot: Snapshot, rule: CompiledRule | undefined, facts: RequestFacts): Pick<Explanation, 'client' | 'auth'> {
  if (rule?.auth === undefined) return { client: null, auth: null }
  const found = authenticate(rule.auth, facts, snapshot)
  if (typeof found === 'string') return { client: null, auth: found }
  facts.client = found
  return { client: found === undefined ? null : { id: found.id, tier: found.tier ?? null }, auth: 'passes' }
}

function limitedRequest(snapshot: Snapshot, { id, limits }: CompiledRule, facts: RequestFacts): LimitedRequest {
  const tier = facts.client?.tier
  return { rule: id, facts, limits, tierLimits: (tier === undefined ? undefined : snapshot.tier(tier)?.limits) ?? [] }
}

/** The breaker that the request would meet; undefined when there is none. */
function breakerOf(breakers: Breakers, snapshot: Snapshot, { rule, target_service, targets }: ExplainAnswer): BreakerReport | undefined {
  const policy = rule === null ? undefined : snapshot.rule(rule)?.breaker
  if (policy !== undefined) return breakers.ofRule(rule!, policy, target_service ?? '').report(targets.map(({ url }) => url))
  const service = target_service === null ? undefined : snapshot.service(target_service)
  return service === undefined ? undefined : breakers.report(service)
}

export default explainRoutes
