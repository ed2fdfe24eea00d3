/** Counts and times every request of the proxy, once, when its exchange is over. */
import type { FastifyPluginCallback } from 'fastify'
import fp from 'fastify-plugin'
import type { Metrics } from '../src/control/metrics.ts'
import { statusOf, wasUpgraded } from '../src/upstream/exchange.ts'
import { isInForce, type Live } from '../src/upstream/upstream.ts'

export interface MetricsOptions {
  readonly metrics: Pick<Metrics, 'requestStarted' | 'requestEnded' | 'retainRules' | 'retainServices'>
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
    // How long a WebSocket was open is no measure of how fast anything was: it counts with its handshake.
    const tookMs = wasUpgraded(raw) ? (exchange.upstreamMs ?? 0) : performance.now() - exchange.startedMs
    metrics.requestEnded(exchange.route?.rule.id ?? '', statusOf(raw), tookMs / 1_000)
  })
  app.onRefusal(({ status }) => {
    metrics.requestStarted()
    metrics.requestEnded('', status, 0)
  })
  // A rule's last request may end after the rule is gone, and would bring its series back for good.
  const sweeper = setInterval(() => {
    if (live.snapshot === undefined) return
    metrics.retainRules(rule => isInForce(live, snapshot => snapshot.rule(rule) !== undefined))
    metrics.retainServices(service => service === '' || isInForce(live, snapshot => snapshot.service(service) !== undefined))
  }, sweepMs).unref()
  app.addHook('onClose', (_app, next) => {
    clearInterval(sweeper)
    next()
  })
  done()
}

export default fp(metricsPlugin, { name: 'metrics', fastify: '5.x', dependencies: ['exchange', 'refusals'] })
