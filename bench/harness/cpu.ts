/** Processor time of a process and all that came of it, from `/proc` (proc_pid_stat(5)). */
import { readdirSync, readFileSync } from 'node:fs'

/** What the kernel counts `utime` and `stime` in: USER_HZ, 100 on every Linux that Node runs on. */
const tickUs = 10_000

interface ProcessStat {
  readonly pid: number
  readonly parent: number
  /** User and system time, of the process and of its children that have ended, in clock ticks. */
  readonly ticks: number
}

/** Reads one `/proc/PID/stat` line. The name stands in parentheses and may hold spaces and parentheses itself. */
export function parseStat(line: string): ProcessStat {
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ')
  const [, parent] = fields
  // Fields 14 to 17 of the line: utime, stime, cutime, cstime.
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
  return { pid: Number(line.slice(0, line.indexOf(' '))), parent: Number(parent), ticks }
}

/** User and system time spent so far by `root` and its descendants, in microseconds. */
export function cpuTimeUs(root: number): number {
  const all = readStats()
  const sumOf = (pid: number): number =>
    all.filter(stat => stat.parent === pid).reduce((sum, stat) => sum + stat.ticks + sumOf(stat.pid), 0)
  const own = all.find(stat => stat.pid === root)
  if (own === undefined) throw new Error(`process ${root} has ended`)
  return (own.ticks + sumOf(root)) * tickUs
}

/** Time that processes of whatever kind have spent on a core so far, and what a hypervisor took from it, in microseconds. */
export function coreTimeUs(core: string): number {
  return parseCoreTicks(readFileSync('/proc/stat', 'utf8'), core) * tickUs
}

/** Reads `/proc/stat` (proc(5)): user, nice, system and steal. Interrupts are left out: they are counted to whom they meet. */
export function parseCoreTicks(text: string, core: string): number {
  const line = text.split('\n').find(line => line.startsWith(`cpu${core} `))
  const [user, nice, system, , , , , steal] = (line ?? '').split(' ').slice(1).map(Number)
  return (user ?? 0) + (nice ?? 0) + (system ?? 0) + (steal ?? 0)
}

function readStats(): ProcessStat[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .flatMap(pid => {
      try {
        return [parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))]
      } catch {
        return [] // It ended since the folder was listed.
      }
    })
}
