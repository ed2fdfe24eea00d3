/**
 * What a server's clock shows by now, at least: a time that it told, and what has passed since on a clock of our own that nobody sets.
 * Only used so that the server can refuse what comes too late; no count ever depends on it.
 */
export class ServerClock {
  #serverMs = 0
  #toldAtMs = 0

  /** @param serverUs what the server told, in microseconds */
  set(serverUs: number, nowMs: number): void {
    this.#serverMs = serverUs / 1000
    this.#toldAtMs = nowMs
  }

  forget(): void {
    this.#serverMs = 0
  }

  /** The last moment of something that may take `budgetMs` from now on, in microseconds; 0, which is none, while no time is known. */
  deadlineUs(budgetMs: number, nowMs: number): number {
    return this.#serverMs === 0 ? 0 : Math.ceil((this.#serverMs + nowMs - this.#toldAtMs + budgetMs) * 1000)
  }
}
