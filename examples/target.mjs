// A target to try rules on: answers every request with what arrived. PORT (8080), HOST (127.0.0.1) and NAME come from the environment.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'

const { PORT = '8080', HOST = '127.0.0.1', NAME = 'target' } = process.env

const server = createServer(async (request, response) => {
  const { method, url, headers } = request
  const body = await text(request).catch(() => undefined)
  if (body === undefined) return // The client left.
  response.writeHead(200, { 'content-type': 'application/json' })
  response.end(JSON.stringify({ target: NAME, method, url, headers, body }))
})

server.listen(Number(PORT), HOST, () => {
  process.stdout.write(`${NAME} listens on http://${HOST}:${server.address().port}\n`)
})
process.once('SIGTERM', () => server.close())
