/** Preloaded into a gateway (`--import`): each SIGURG moves its wall clock an hour, forth and back in turns. */

const hourMs = 3_600_000
const realNow = Date.now
let shiftMs = 0

class ShiftedDate extends Date {
  constructor(...args: unknown[]) {
    super(...((args.length === 0 ? [realNow() + shiftMs] : args) as [number]))
  }

  static override now(): number {
    return realNow() + shiftMs
  }
}

globalThis.Date = ShiftedDate as DateConstructor
process.on('SIGURG', () => {
  shiftMs = shiftMs === 0 ? hourMs : 0
})
