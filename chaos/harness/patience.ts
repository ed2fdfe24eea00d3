/** How strictly times are judged. */

let factor = 1

/** For tests: a machine that runs other tests as well may take so many times as long. `npm run chaos` judges by the bars themselves. */
export function setPatience(times: number): void {
  factor = times
}

/** Whether something that took `ms` was within its bar of `barMs`. */
export function isWithin(ms: number, barMs: number): boolean {
  return ms <= barMs * factor
}
