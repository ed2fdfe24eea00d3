import type { ConfigState } from '../core/config-state.ts'
import { NotReadyError } from '../errors.ts'
import type { LiveConfig } from './live-config.ts'

/** The live state. @throws {NotReadyError} before the first load */
export function loadedState(live: LiveConfig): ConfigState {
  if (live.state === undefined) throw new NotReadyError()
  return live.state
}
