/** `/metrics` for Prometheus. Needs no token. */
import type { FastifyPluginCallback } from 'fastify'
import Type from 'typebox'
import { answerAs } from '../schemas/answers.ts'
import type { Metrics } from '../src/control/metrics.ts'
import { openMetricsType, prefersOpenMetrics, prometheusType, toOpenMetrics } from '../src/control/open-metrics.ts'

export interface MetricsRoutesOptions {
  readonly metrics: Pick<Metrics, 'registry'>
}

const Text = { schema: Type.String() }

const metricsSchema = {
  operationId: 'getMetrics',
  tags: ['Instance'],
  summary: 'Metrics',
  description: 'OpenMetrics when `Accept` names it, the Prometheus text format otherwise.',
  response: { 200: answerAs('The metrics.', { 'text/plain': Text, 'application/openmetrics-text': Text }) }
} as const

const metricsRoutes: FastifyPluginCallback<MetricsRoutesOptions> = (app, { metrics }, done) => {
  app.get('/metrics', { schema: metricsSchema, config: { role: 'public', rateLimit: false } }, async ({ headers }, reply) => {
    const text = await metrics.registry.metrics()
    const asOpenMetrics = prefersOpenMetrics(headers.accept)
    return reply.type(asOpenMetrics ? openMetricsType : prometheusType).send(asOpenMetrics ? toOpenMetrics(text) : text)
  })
  done()
}

export default metricsRoutes
