/** Pieces of the URLs that name several servers, which `URL` does not read. */

/** A host and a port. */
export interface HostPort {
  readonly host: string
  readonly port: number
}

/** Reads `host`, `host:port`, `[::1]:port`. @throws {Error} */
export function toHostPort(text: string, defaultPort: number): HostPort {
  const [, inBrackets, plain, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = inBrackets ?? plain
  const port = Number(digits ?? defaultPort)
  if (host === undefined || port < 1 || port > 65_535) throw new Error('a host of the store is not of the form host:port')
  return { host, port }
}

/** As it is written in a URL. */
export function hostPortText({ host, port }: HostPort): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** A part of a URL without its percent-encoding. @throws {Error} */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('the URL of the store is not percent-encoded as it should be')
  }
}
