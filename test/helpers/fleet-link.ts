/** Links between the instances of one process, for tests: what one sends all hear at once. */
import type { FleetLink, FleetLinkListener, FleetMessage } from '../../src/core/fleet-health.ts'

export interface FleetHub {
  /** Everything that was sent, oldest first. */
  readonly sent: readonly { readonly from: string; readonly message: FleetMessage }[]
  link(self: string): FleetLink
  /** Nothing arrives any more at `self`, nor from there. */
  cut(self: string): void
  /** `self` says this. */
  say(self: string, message: Partial<FleetMessage>): void
}

export function createFleetHub(): FleetHub {
  const listeners = new Map<string, FleetLinkListener>()
  const sent: { from: string; message: FleetMessage }[] = []
  const deliver = (from: string, message: FleetMessage): void => {
    sent.push({ from, message })
    for (const listener of listeners.values()) listener.onMessage(from, message)
  }
  return {
    sent,
    link: self => ({
      self,
      open(listener) {
        listeners.set(self, listener)
        listener.onUp()
      },
      send: message => {
        if (listeners.has(self)) deliver(self, message)
      },
      close: async () => void listeners.delete(self)
    }),
    cut(self) {
      const listener = listeners.get(self)
      listeners.delete(self)
      listener?.onDown()
    },
    say: (self, message) => deliver(self, { isLeaving: false, ejections: [], probes: [], ...message })
  }
}
