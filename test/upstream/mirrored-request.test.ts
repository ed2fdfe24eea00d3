import t from 'tap'
import type { Dispatcher } from 'undici'
import { MirroredRequest } from '../../src/upstream/mirrored-request.ts'
import type { TargetPool } from '../../src/upstream/pools.ts'

const request = { path: '/', method: 'GET' } as const

/** A pool that does `dispatch` with what it is given. */
function poolOf(dispatch: TargetPool['dispatch']): TargetPool {
  return {
    connectMs: 1,
    onFreshConnection: true,
    dispatch,
    dispatchOnce: () => undefined,
    isIdle: () => true,
    close: async () => undefined
  }
}

t.test('a copy ends once, however it ends', async t => {
  const outcomes: string[] = []
  const copy = new MirroredRequest(outcome => outcomes.push(outcome))
  copy.start(
    poolOf((_options, handler) => handler.onResponseError?.(undefined as never, new Error('no'))),
    request,
    1_000
  )
  copy.end('aborted')
  copy.cancel()
  t.same(outcomes, ['failed'])
})

t.test('a pool that throws fails the copy and nothing else', async t => {
  const outcomes: string[] = []
  const throwing = poolOf(() => {
    throw new Error('broken')
  })
  new MirroredRequest(outcome => outcomes.push(outcome)).start(throwing, request, 1_000)
  t.same(outcomes, ['failed'])
})

t.test('a copy that was cancelled before it was sent is not sent, or ends as soon as it has a connection', async t => {
  const outcomes: string[] = []
  const early = new MirroredRequest(outcome => outcomes.push(outcome))
  early.cancel()
  early.start(
    poolOf(() => t.fail('nothing may be sent')),
    request,
    1_000
  )
  const late = new MirroredRequest(outcome => outcomes.push(outcome))
  let waiting: Dispatcher.DispatchHandler | undefined
  late.start(
    poolOf((_options, handler) => {
      waiting = handler
    }),
    request,
    1_000
  )
  late.cancel()
  let aborted = 0
  waiting?.onRequestStart?.({ abort: () => aborted++ } as unknown as Dispatcher.DispatchController, undefined)
  t.same([outcomes, aborted], [['failed', 'failed'], 1])
})
