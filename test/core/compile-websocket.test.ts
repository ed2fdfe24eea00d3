import t from 'tap'
import { compileWebSocket } from '../../src/core/compile-websocket.ts'
import { toSnapshot } from '../helpers/proxy-app.ts'

t.test('what is left out has its default', async t => {
  const byDefault = { maxConnections: null, maxMessageBytes: 1_048_576, idleTimeoutMs: null, compression: false, reconnect: undefined }
  t.same(compileWebSocket(undefined), byDefault)
  t.same(compileWebSocket({}), byDefault)
  t.equal(compileWebSocket(undefined), compileWebSocket(undefined), 'rules without it share one')
})

t.test('what is given is kept', async t => {
  t.match(compileWebSocket({ max_connections: 0, max_message_bytes: 1, idle_timeout_ms: 5, compression: true }), {
    maxConnections: 0,
    maxMessageBytes: 1,
    idleTimeoutMs: 5,
    compression: true
  })
})

t.test('reconnect is all defaults, or says how', async t => {
  const byDefault = { attempts: 10, intervalMs: 1000, decay: 1.5, pingIntervalMs: 30_000 }
  t.same(compileWebSocket({ reconnect: true }).reconnect, byDefault)
  t.same(compileWebSocket({ reconnect: {} }).reconnect, byDefault)
  t.same(compileWebSocket({ reconnect: { attempts: 3, interval_ms: 100, decay: 1, ping_interval_ms: 500 } }).reconnect, {
    attempts: 3,
    intervalMs: 100,
    decay: 1,
    pingIntervalMs: 500
  })
  t.equal(compileWebSocket({ reconnect: false }).reconnect, undefined)
})

t.test('what is none is refused, and the problem says where', async t => {
  for (const [websocket, pointer] of [
    [{ max_connections: -1 }, '/websocket/max_connections'],
    [{ max_message_bytes: 0 }, '/websocket/max_message_bytes'],
    [{ max_message_bytes: null }, '/websocket/max_message_bytes'],
    [{ idle_timeout_ms: 0 }, '/websocket/idle_timeout_ms'],
    [{ compression: 'yes' }, '/websocket/compression'],
    [{ reconnect: { attempts: 0 } }, '/websocket/reconnect'],
    [{ reconnect: { often: true } }, '/websocket/reconnect'],
    [{ max_conections: 1 }, '/websocket/max_conections'],
    ['on', '/websocket']
  ] as const) {
    t.throws(() => toSnapshot({ rules: [{ id: 'a', path: '/', target: 'http://127.0.0.1:1', websocket }] }), {
      message: new RegExp(pointer)
    })
  }
})
