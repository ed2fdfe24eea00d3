/** Writes through the admin API, and what became of them. */
import type { Member } from './members.ts'
import { ruleId, type Versions } from './versions.ts'

export interface Written {
  readonly version: number
  /** That the write made; NaN when it made none. */
  readonly revision: number
  /** 0 when there was no answer. */
  readonly status: number
  /** The code of the problem, when it was refused. */
  readonly code: string | undefined
  /** From the start of the request to its answer. */
  readonly ms: number
}

/** Writes the next version through `member`. Never rejects. */
export async function write({ gateway, name }: Member, versions: Versions): Promise<Written> {
  const { version, item } = versions.next()
  const begin = performance.now()
  const since = () => performance.now() - begin
  try {
    const { status, body, headers } = await gateway.admin('PUT', `/forward-rules/${ruleId}`, item)
    if (status < 300) versions.confirm(name, version)
    const made = status < 300
    const revision = made ? Number(headers.get('sluice-revision')) : Number.NaN
    return { version, revision, status, code: made ? undefined : String(body.code), ms: since() }
  } catch {
    return { version, revision: Number.NaN, status: 0, code: undefined, ms: since() }
  }
}

export interface Writing {
  /** Resolves, when the last write is answered, with all of them. */
  stop(): Promise<readonly Written[]>
}

/** Writes version after version, in turns through `members`, with a pause of `everyMs` between. */
export function startWriting(members: readonly Member[], versions: Versions, everyMs: number): Writing {
  const all: Written[] = []
  let isOver = false
  const loop = async (): Promise<void> => {
    for (let turn = 0; !isOver; turn++) {
      all.push(await write(members[turn % members.length]!, versions))
      await new Promise(resolve => setTimeout(resolve, everyMs))
    }
  }
  const done = loop()
  return {
    async stop() {
      isOver = true
      await done
      return all
    }
  }
}

/** `24 × 503 store_unavailable, slowest 0.91 s` */
export function summary(writes: readonly Written[]): string {
  const counts = new Map<string, number>()
  for (const { status, code } of writes) {
    const answer = code === undefined ? String(status) : `${status} ${code}`
    counts.set(answer, (counts.get(answer) ?? 0) + 1)
  }
  const slowestMs = Math.max(0, ...writes.map(({ ms }) => ms))
  const answers = [...counts].map(([answer, count]) => `${count} × ${answer}`).join(', ')
  return writes.length === 0 ? 'no writes' : `writes: ${answers}, slowest ${toSeconds(slowestMs)}`
}

/** `0.91 s`, `12 ms` */
export function toSeconds(ms: number): string {
  return ms < 100 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(2)} s`
}
