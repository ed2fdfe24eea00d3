/** Counts the requests that a running rollout concerns, once each, when their exchange is over. */
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import type { Metrics } from '../src/control/metrics.ts'
import { isFailure, statusOf } from '../src/upstream/exchange.ts'

export interface RolloutOptions {
  readonly metrics: Pick<Metrics, 'recordRolloutRequest'>
}

const rollout: FastifyPluginCallback<RolloutOptions> = (app, { metrics }, done) => {
  app.onExchangeEnd(({ exchange }, { raw }) => {
    const { arm, upstreamMs, startedMs } = exchange
    if (arm === undefined) return
    // How long the client takes to read says nothing of the target.
    arm.stats.record(isFailure(exchange, raw), upstreamMs ?? performance.now() - startedMs)
    metrics.recordRolloutRequest(arm.name, statusOf(raw))
  })
  done()
}

export default fp(rollout, { name: 'rollout', fastify: '5.x', dependencies: ['exchange'] })
