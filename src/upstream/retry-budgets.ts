/** The retry budgets of a gateway: live state, kept by service. */
import { RetryBudget } from '../core/retry-budget.ts'

export class RetryBudgets {
  readonly #byKey = new Map<string, RetryBudget>()

  /** @param key the id of a service, or the URL of a rule's own target: no id is a URL */
  of(key: string): RetryBudget {
    let budget = this.#byKey.get(key)
    if (budget === undefined) {
      budget = new RetryBudget()
      this.#byKey.set(key, budget)
    }
    return budget
  }

  /** How many there are. */
  get size(): number {
    return this.#byKey.size
  }

  /** Forgets those that nothing was counted in of late. `nowMs` is on the clock of the budgets. */
  sweep(nowMs: number): void {
    for (const [key, budget] of this.#byKey) if (budget.isUnused(nowMs)) this.#byKey.delete(key)
  }
}
