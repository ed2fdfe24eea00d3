/** The words of the last two columns: what the client must see, and what the target must have received. */
import type { Check, Seen } from './row.ts'
import type { Message } from './strict-reader.ts'

const brief = (text: string): string => JSON.stringify(text.length > 120 ? `${text.slice(0, 120)}…` : text)

export function valuesOf(fields: Message['fields'], name: string): string[] {
  return fields.filter(([key]) => key === name.toLowerCase()).map(([, value]) => value)
}

function outcome({ answers, interim, cut, end }: Seen): string {
  const all = [...interim, ...answers].map(({ status }) => status).join(', ')
  return `${all === '' ? 'nothing' : all}${cut ? ', cut off' : ''} (connection ${end})`
}

/** All of these hold. */
export function all(...checks: readonly Check[]): Check {
  return seen => {
    for (const check of checks) {
      const fault = check(seen)
      if (fault !== undefined) return fault
    }
    return undefined
  }
}

/** At least one of these holds. */
export function either(...checks: readonly Check[]): Check {
  return seen => {
    const faults = checks.map(check => check(seen))
    return faults.includes(undefined) ? undefined : faults.join('; or ')
  }
}

// What the client must see

/** Exactly these final answers, each to its end. */
export function answered(...statuses: readonly number[]): Check {
  return seen => {
    const got = seen.answers.map(({ status }) => status)
    return !seen.cut && got.join() === statuses.join() ? undefined : `saw ${outcome(seen)}, not ${statuses.join(', ')}`
  }
}

/** One answer, with one of these statuses, to its end. */
export function status(...statuses: readonly number[]): Check {
  return either(...statuses.map(one => answered(one)))
}

/** The first answer has the field; with this value when one is given. */
export function field(name: string, value?: string | RegExp): Check {
  return ({ answers: [first] }) => {
    const values = valuesOf(first?.fields ?? [], name)
    if (values.length === 0) return `the answer has no ${name}`
    return matches(values.join(', '), value) ? undefined : `the answer has ${name}: ${values.join(', ')}`
  }
}

export function noField(...names: readonly string[]): Check {
  return ({ answers: [first] }) => {
    const there = names.filter(name => valuesOf(first?.fields ?? [], name).length > 0)
    return there.length === 0 ? undefined : `the answer has ${there.join(', ')}`
  }
}

/** The first answer's body. */
export function body(text: string): Check {
  return ({ answers: [first] }) => (first?.body === text ? undefined : `the body is ${brief(first?.body ?? '')}`)
}

/** The bodies of the answers, in order. */
export function bodies(...texts: readonly string[]): Check {
  return ({ answers }) => {
    const got = answers.map(({ body }) => body)
    return got.join('|') === texts.join('|') ? undefined : `the bodies are ${brief(got.join('|'))}`
  }
}

/** These interim answers, in order. */
export function interim(...statuses: readonly number[]): Check {
  return ({ interim }) => {
    const got = interim.map(({ status }) => status).join()
    return got === statuses.join() ? undefined : `interim answers: ${got === '' ? 'none' : got}, not ${statuses.join()}`
  }
}

/** The connection took another request afterwards. */
export const kept: Check = ({ kept }) => (kept ? undefined : 'the connection was not kept')
/** The connection ended with the answer. */
export const closed: Check = ({ kept }) => (kept ? 'the connection was kept' : undefined)

/** No interim answers, or such ones only. */
export function noInterimBut(status: number): Check {
  return ({ interim }) => {
    const others = interim.filter(message => message.status !== status)
    return others.length === 0 ? undefined : `interim answers: ${others.map(message => message.status).join()}`
  }
}

/** What had begun did not come to an end that looks clean. */
export const aborted: Check = seen =>
  seen.cut && seen.answers.length < Math.max(1, seen.asked.length) ? undefined : `saw ${outcome(seen)}, not an aborted answer`

/** No answer at all, only the end of the connection. */
export const dropped: Check = seen =>
  seen.answers.length === 0 && seen.part === undefined && seen.end !== 'open' ? undefined : `saw ${outcome(seen)}, not an end`

/** For a fault that may be seen only after bytes went out: 502, 504, or broken off. */
export const broken: Check = either(status(502, 504), aborted, dropped)

/** Whatever came. */
export const anything: Check = () => undefined

// What the target must have received

/** So many complete requests. */
export function requests(count: number): Check {
  return ({ received }) =>
    received.length === count ? undefined : `the target got ${received.length} requests: ${received.map(r => r.startLine).join(', ')}`
}

/** One request, or more when a safe one was sent again after a fault. */
export const once: Check = requests(1)
export const onceOrAgain: Check = ({ received }) =>
  received.length >= 1 && received.length <= 4 ? undefined : `the target got ${received.length} requests`

/** No complete request. */
export const nothing: Check = requests(0)
/** Not even part of one. */
export const noByte: Check = all(nothing, ({ partial }) => (partial.length === 0 ? undefined : 'the target got part of a request'))

/** One request, with this field; with this value when one is given. */
export function got(name: string, value?: string | RegExp): Check {
  return all(once, ({ received: [first] }) => {
    const values = valuesOf(first?.fields ?? [], name)
    if (values.length === 0) return `the target did not get ${name}`
    return matches(values.join(', '), value) ? undefined : `the target got ${name}: ${brief(values.join(', '))}`
  })
}

/** One request, without these fields. */
export function lacks(...names: readonly string[]): Check {
  return all(once, ({ received: [first] }) => {
    const there = names.filter(name => valuesOf(first?.fields ?? [], name).length > 0)
    return there.length === 0 ? undefined : `the target got ${there.join(', ')}`
  })
}

/** One request with this body. */
export function gotBody(text: string): Check {
  return all(once, ({ received: [first] }) => (first?.body === text ? undefined : `the target got the body ${brief(first?.body ?? '')}`))
}

/** One request for this target. */
export function gotTarget(...targets: readonly (string | RegExp)[]): Check {
  return all(once, ({ received: [first] }) => {
    const target = first?.target ?? ''
    return targets.some(one => matches(target, one)) ? undefined : `the target got ${brief(target)}`
  })
}

/** No request for `/smuggled`, and not more requests than were asked for. */
export const unsplit: Check = ({ received, asked }) => {
  const bad = received.find(({ target }) => target.includes('/smuggled'))
  if (bad !== undefined) return `smuggled: ${bad.startLine}`
  return received.length <= asked.length ? undefined : `the target got ${received.length} requests for ${asked.length}`
}

function matches(text: string, wanted: string | RegExp | undefined): boolean {
  return wanted === undefined || (typeof wanted === 'string' ? text === wanted : wanted.test(text))
}
