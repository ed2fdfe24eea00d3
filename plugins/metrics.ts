/** Counts and times every request of the proxy, once, when its exchange is over. */
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import type { Metrics } from '../src/control/metrics.ts'
import { statusOf } from '../src/upstream/exchange.ts'
import { isInForce, type Live } from '../src/upstream/upstream.ts'

export interface MetricsOptions {
  readonly metrics: Pick<Metrics, 'requestStarted' | 'requestEnded' | 'retainRules'>
  readonly live: Live
  /** How often series of rules that are gone are looked for, in milliseconds. Default 60000. */
  readonly sweepMs?: number
}

const metricsPlugin: FastifyPluginCallback<MetricsOptions> = (app, { metrics, live, sweepMs = 60_000 }, done) => {
  app.addHook('onRequest', (_request, _reply, next) => {
    metrics.requestStarted()
    next()
  })
  app.onExchangeEnd(({ exchange }, { raw }) => {
    metrics.requestEnded(exchange.route?.rule.id ?? '', statusOf(raw), (performance.now() - exchange.startedMs) / 1_000)
  })
  // A rule's last request may end after the rule is gone, and would bring its series back for good.
  const sweeper = setInterval(() => {
    if (live.snapshot !== undefined) metrics.retainRules(rule => isInForce(live, snapshot => snapshot.rule(rule) !== undefined))
  }, sweepMs).unref()
  app.addHook('onClose', (_app, next) => {
    clearInterval(sweeper)
    next()
  })
  done()
}

export default fp(metricsPlugin, { name: 'metrics', fastify: '5.x', dependencies: ['exchange'] })
