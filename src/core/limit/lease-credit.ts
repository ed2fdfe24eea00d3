/** What an instance may do about a key with what it knows of it. */
import { tolerance } from './algorithm.ts'
import type { LimitDecision } from './decision.ts'
import type { LeaseAnswer, LeaseAsk } from './lease-ask.ts'
import { type LeasedAlgorithm, largestLease } from './lease-bounds.ts'
import * as k from './lease-key.ts'
import type { LimitSpec } from './spec.ts'

/** So far back goes the demand that a lease follows. */
const horizonMs = 20

/** Whether the central counter has said that there is nothing yet. */
export function waits(numbers: Float64Array, at: number, nowMs: number): boolean {
  return k.hasFlag(numbers[at + k.meta]!, k.isWaiting) && nowMs < numbers[at + k.untilMs]!
}

/** How much may be used without a lease before it is told, in all: a share of what is left, and one where anything is. */
export function credit(
  algorithm: LeasedAlgorithm,
  numbers: Float64Array,
  at: number,
  spec: LimitSpec,
  instances: number,
  nowMs: number
): number {
  const left = k.roomAt(algorithm, numbers, at, spec, nowMs)
  const flags = numbers[at + k.meta]!
  if (k.hasFlag(flags, k.isOver) && left < spec.burst) return 0
  // Its time has come: the central counter has said that there is one now.
  const least = k.hasFlag(flags, k.isWaiting) ? 1 : 0
  return Math.max(least, Math.min(Math.floor(left + tolerance), Math.ceil(left / instances)))
}

/** How many tokens the demand of the last moments asks for. */
export function wanted(numbers: Float64Array, at: number, spec: LimitSpec, instances: number, nowMs: number): number {
  const spanMs = Math.max(horizonMs, nowMs - numbers[at + k.answeredMs]!)
  const lately = Math.floor((numbers[at + k.arrived]! * horizonMs) / spanMs)
  return Math.max(0, Math.min(lately, largestLease(spec, instances) - numbers[at + k.tokens]!))
}

/** Takes over what the central counter has said. */
export function learn(numbers: Float64Array, at: number, ask: LeaseAsk, answer: LeaseAnswer, nowMs: number): void {
  const held = numbers[at + k.tokens]! + answer.granted
  const isEmpty = held === 0 && answer.retryMs > 0
  numbers[at + k.tokens] = held
  // Tokens count from when they were asked for, waiting from now on: so the time that the answer took never matters.
  if (answer.granted > 0) numbers[at + k.untilMs] = ask.atMs + answer.validMs
  else if (isEmpty) numbers[at + k.untilMs] = nowMs + answer.retryMs
  numbers[at + k.untold] = Math.max(0, numbers[at + k.untold]! - ask.debt)
  const flags = (isEmpty ? k.isWaiting : 0) + (answer.room < 0 ? k.isOver : 0)
  numbers[at + k.meta] = k.withFlag(numbers[at + k.meta]!, k.allFlags, false) + flags
  numbers[at + k.room] = answer.room
  numbers[at + k.answeredMs] = nowMs
  numbers[at + k.edgeMs] = nowMs + answer.edgeMs
  numbers[at + k.arrived] = 0
}

/** Whether it is as good as new: what is known of it is that nothing of it is used any more. */
export function isIdle(algorithm: LeasedAlgorithm, numbers: Float64Array, at: number, spec: LimitSpec, nowMs: number): boolean {
  if (numbers[at + k.untold]! > 0 || numbers[at + k.tokens]! > 0 || k.hasFlag(numbers[at + k.meta]!, k.isBusy)) return false
  return k.roomAt(algorithm, numbers, at, spec, nowMs) >= spec.burst
}

/** What is to be said of a request. What other instances use meanwhile is not in it. */
export function describe(
  algorithm: LeasedAlgorithm,
  numbers: Float64Array,
  at: number,
  spec: LimitSpec,
  nowMs: number,
  allowed: boolean,
  out: LimitDecision
): void {
  const left = k.roomAt(algorithm, numbers, at, spec, nowMs) - numbers[at + k.untold]!
  const { limit, windowMs, burst } = spec
  const perTokenMs = windowMs / limit
  const windowLeftMs = Math.max(0, numbers[at + k.edgeMs]! - nowMs)
  out.allowed = allowed
  out.limit = burst
  out.remaining = Math.max(0, Math.floor(left + tolerance)) + numbers[at + k.tokens]!
  out.delayMs = 0
  if (algorithm === 'token_bucket') out.resetMs = Math.max(0, burst - left) * perTokenMs
  else out.resetMs = algorithm === 'fixed_window' ? windowLeftMs : windowLeftMs + windowMs
  if (allowed) out.retryMs = 0
  else if (waits(numbers, at, nowMs)) out.retryMs = numbers[at + k.untilMs]! - nowMs
  // It is being asked about.
  else out.retryMs = Math.max(1, algorithm === 'token_bucket' ? (1 - left) * perTokenMs : Math.min(windowLeftMs, perTokenMs))
}
