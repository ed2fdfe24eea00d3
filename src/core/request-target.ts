/** The request target of a request line (RFC 9112 section 3.2). */

export interface RequestTarget {
  /** As sent, without the query. */
  readonly path: string
  /** With its leading `?`, or `''`; as sent. */
  readonly search: string
  /** Host and port of an absolute-form target; undefined for the origin form. */
  readonly authority: string | undefined
}

const absoluteForm = /^https?:\/\/([^/?#]*)(.*)$/i
const authority = /^[\w.~!$&'()*+,;=%-]*(?::\d*)?$|^\[[0-9a-f:.]+\](?::\d*)?$/i

/** The parts of an origin-form or absolute-form target, or undefined for any other (`*`, an authority) and for one with a fragment. */
export function parseRequestTarget(target: string): RequestTarget | undefined {
  if (target.includes('#')) return undefined
  if (target.charCodeAt(0) === 47 /* / */) return split(target, undefined)
  const [, host, rest] = absoluteForm.exec(target) ?? []
  if (host === undefined || rest === undefined || host === '') return undefined
  return split(rest.startsWith('/') ? rest : `/${rest}`, host)
}

function split(target: string, host: string | undefined): RequestTarget {
  const query = target.indexOf('?')
  if (query === -1) return { path: target, search: '', authority: host }
  return { path: target.slice(0, query), search: target.slice(query), authority: host }
}

/** Whether a Host field or an absolute-form authority is well-formed (RFC 9110 section 7.2); `''` is. No user information. */
export function isAuthority(text: string): boolean {
  return authority.test(text)
}
