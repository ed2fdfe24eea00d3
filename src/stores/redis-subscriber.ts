import { type ConnectionOptions, openConnection, toReason } from './redis-connection.ts'

/** What a subscriber tells its owner. */
export interface SubscriberEvents {
  /** Subscribed, for the first time or again. What was published before is lost. */
  readonly onSubscribed: () => void
  /** Nothing arrives any more; the next attempt is under way. */
  readonly onLost: (reason: string) => void
  readonly onMessage: (text: string) => void
}

/** Listens to one channel and comes back by itself until it is closed. */
export function openSubscriber(options: ConnectionOptions, channel: string, events: SubscriberEvents): { close(): Promise<void> } {
  const connection = openConnection(options, {
    onReady: () => void subscribe(),
    onLost: events.onLost
  })
  const { redis } = connection
  redis.on('message', (_channel: string, text: string) => events.onMessage(text))

  async function subscribe(): Promise<void> {
    try {
      await redis.subscribe(channel)
    } catch (error) {
      // Connected but refused, by an access list for example. A lost connection has told so itself and comes back.
      if (redis.status !== 'ready') return
      events.onLost(toReason(error))
      redis.disconnect(true)
      return
    }
    events.onSubscribed()
  }

  return connection
}
