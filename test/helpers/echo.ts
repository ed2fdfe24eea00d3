/** A target that answers with its name and what it was asked. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Teardown } from './gateway.ts'

export interface Echo {
  readonly target: string
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
}

/** Starts a target called `name`; it ends with the test. Resolves with its URL. */
export async function startEcho(t: Teardown, name: string): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    const { method = '', url = '', headers } = request
    response.setHeader('content-type', 'application/json')
    response.setHeader('x-target', name)
    response.end(JSON.stringify({ target: name, method, url, headers } satisfies Echo))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
