/** Bare `@fastify/http-proxy`, as its README sets it up: what the gateway must undercut. */
import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { proxyArguments } from './harness/proxy-arguments.ts'

const { port, target } = proxyArguments()
const app = fastify()
app.register(httpProxy, { upstream: target })
await app.listen({ port, host: '127.0.0.1' })
