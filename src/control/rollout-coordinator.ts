/**
 * Moves the rollout that is running. Every instance runs the same loop. The one that the rollout names acts at once, the others when it does
 * not; and each move is made on the condition that nobody was faster. What must end at once is ended by whoever sees it first.
 */
import type { Rollout } from '../../schemas/rollout.ts'
import { type Decision, decide } from '../core/rollout.ts'
import { conflictOf } from '../core/rollout-conflict.ts'
import { trafficOf } from '../core/rollout-stats.ts'
import type { InstanceReport } from '../core/store.ts'
import type { LiveConfig } from './live-config.ts'
import type { Plan } from './planned-change.ts'
import { advancePlan, completePlan, type Ending, type MoveRecord, type StepRef, stopPlan } from './rollout-moves.ts'
import type { ConfigWriter } from './writer.ts'

export interface RolloutCoordinatorOptions {
  readonly live: LiveConfig
  readonly writer: Pick<ConfigWriter, 'write'>
  /** What the instances say of themselves, this one included. */
  readonly fleet: { list(): Promise<readonly InstanceReport[]> }
  /** The name of this instance. */
  readonly instance: string
  /** A move could not be made; it is tried again. */
  readonly onTrouble?: (error: unknown) => void
  /** How often a running rollout is looked at, in milliseconds. Default 250. */
  readonly tickMs?: number
  /** How long a move may be due until an instance makes it that the rollout does not name, in milliseconds. Default 3000. */
  readonly takeoverMs?: number
  /** Milliseconds that only grow. Default: the clock of the process. */
  readonly now?: () => number
}

type Move = Exclude<Decision, { action: 'stay' }>

export class RolloutCoordinator {
  readonly #options: Required<RolloutCoordinatorOptions>
  /** The step that is looked at, and since when on this instance. */
  #step: (StepRef & { readonly since: number }) | undefined
  /** Since when a move of the step is due. */
  #dueSince: number | undefined
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> | undefined
  #closed = false

  constructor(options: RolloutCoordinatorOptions) {
    this.#options = { onTrouble: () => {}, tickMs: 250, takeoverMs: 3000, now: () => performance.now(), ...options }
    options.live.on('applied', () => this.#follow())
    this.#follow()
  }

  /** Looks at the rollout now, as the timer does; resolves when what is due was done. */
  async look(): Promise<void> {
    this.#looking ??= this.#look()
      .catch(error => this.#options.onTrouble(error))
      .finally(() => {
        this.#looking = undefined
      })
    return this.#looking
  }

  /** Nothing is moved any more. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#looking
  }

  // The clock of a step begins when this instance learns of it: that of another machine, or of before a restart, says nothing here.
  #follow(): void {
    const running = this.#options.live.state?.rollout
    if (running === undefined || this.#closed) {
      clearInterval(this.#timer)
      this.#timer = undefined
      this.#step = undefined
      return
    }
    const { id, item } = running
    if (this.#step?.id === id && this.#step.step === item.step) return
    this.#step = { id, step: item.step, since: this.#options.now() }
    this.#dueSince = undefined
    this.#timer ??= setInterval(() => void this.look(), this.#options.tickMs)
  }

  async #look(): Promise<void> {
    const { live, fleet, now } = this.#options
    const step = this.#step
    // A store that cannot be written to, or must not be, moves nothing.
    if (step === undefined || this.#closed || !live.storeState.up || live.estranged !== undefined) return
    const traffic = trafficOf(
      (await fleet.list()).map(({ rollout }) => rollout),
      step.id,
      step.step
    )
    const { state } = live
    const running = state?.rollout
    if (state === undefined || running?.id !== step.id || running.item.step !== step.step) return
    const record = { at: new Date().toISOString(), traffic }
    const conflict = conflictOf(state, running.item)
    if (conflict !== undefined) return this.#stop(step, record, { status: 'aborted', reason: conflict })
    const decision = decide(running.item, traffic, now() - step.since)
    if (decision.action === 'stay') this.#dueSince = undefined
    else if (this.#isMine(decision, running.item)) await this.#move(step, record, decision, running.item)
  }

  #isMine({ action }: Move, { instance }: Rollout): boolean {
    const { now, takeoverMs } = this.#options
    this.#dueSince ??= now()
    return action === 'roll_back' || instance === this.#options.instance || now() - this.#dueSince >= takeoverMs
  }

  async #move(step: StepRef, record: MoveRecord, decision: Move, { by }: Rollout): Promise<void> {
    if (decision.action === 'roll_back') return this.#stop(step, record, { status: 'rolled_back', reason: decision.reason })
    const isLast = decision.action === 'complete'
    try {
      // The end is a commit like any other, by whoever wanted it.
      if (isLast) await this.#write(completePlan(step, record), by)
      else await this.#write(advancePlan(step, record, this.#options.instance), authorOf(step))
    } catch (error) {
      if (!isRefusal(error)) throw error
      await this.#stop(step, record, {
        status: 'aborted',
        reason: `${isLast ? 'the changes were' : 'the next step was'} refused: ${error.message}`
      })
    }
  }

  async #stop(step: StepRef, record: MoveRecord, ending: Ending): Promise<void> {
    try {
      await this.#write(stopPlan(step, record, ending), authorOf(step))
    } catch (error) {
      if (!isRefusal(error)) throw error
      const reason = `${ending.reason}; the weights could not be restored: ${error.message}`
      await this.#write(stopPlan(step, record, { ...ending, reason }, false), authorOf(step))
    }
  }

  async #write(plan: Plan, by: string): Promise<void> {
    await this.#options.writer.write(plan, { by })
  }
}

// No token can be called so.
function authorOf({ id }: StepRef): string {
  return `rollout:${id}`
}

/** Whether the configuration does not allow it: trying again would not help. */
function isRefusal(error: unknown): error is Error {
  const status = (error as { readonly statusCode?: number }).statusCode ?? 500
  return error instanceof Error && status < 500
}
