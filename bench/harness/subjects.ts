/** The proxies that are measured, and how each is started. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ChildSpec, freePort } from './children.ts'

export interface Subject {
  /** First column of the table. */
  readonly name: string
  /** How to start it on `port`, forwarding to `target`; `folder` is its own, and empty. */
  command(port: number, target: string, folder: string): Promise<ChildSpec>
}

const root = fileURLToPath(new URL('../..', import.meta.url))

function smallProxy(name: string, file: string): Subject {
  const command = [process.execPath, join(root, 'bench', file)]
  return { name, command: async (port, target) => ({ command: [...command, '--port', `${port}`, '--target', target] }) }
}

/** What requests of the bench show of themselves; a gateway that asks for no key passes it on as any other field. */
export const benchKey = 'the-key-of-the-bench'

type Configuration = (target: string) => object

const oneRule: Configuration = target => ({ forward_rules: [{ id: 'r1', path: '/', target }] })

/** What a route in front of production has: a key, a limit that is not reached, three balanced targets behind a breaker. */
const guarded: Configuration = target => ({
  clients: [{ id: 'bench', api_keys: [{ id: 'k1', key: benchKey }] }],
  services: [
    {
      id: 's1',
      targets: ['127.0.0.1', '127.0.0.2', '127.0.0.3'].map(host => ({ url: target.replace('127.0.0.1', host) })),
      balancer: { algorithm: 'least_conn' },
      breaker: {}
    }
  ],
  forward_rules: [
    {
      id: 'r1',
      path: '/',
      target_service: 's1',
      // Whoever waits for the gateway to answer shows no key.
      auth: { any_of: [{ type: 'api_key' }, { type: 'anonymous' }] },
      rate_limit: { limit: 1_000_000, key: 'client', scope: 'instance' }
    }
  ]
})

function gateway(name: string, accessLog: boolean, configure = oneRule): Subject {
  return {
    name,
    command: async (port, target, folder) => {
      const store = join(folder, 'sluice.json')
      writeFileSync(store, JSON.stringify(configure(target)))
      return {
        command: [process.execPath, join(root, 'src/cli.ts'), 'start'],
        env: {
          SLUICE_PORT: `${port}`,
          SLUICE_HOST: '127.0.0.1',
          SLUICE_ADMIN_PORT: `${await freePort()}`,
          SLUICE_ADMIN_RATE_LIMIT: '0',
          SLUICE_STORE: `file:${store}`,
          SLUICE_DATA_DIR: join(folder, 'data'),
          SLUICE_ACCESS_LOG: `${accessLog}`
        },
        stdoutFile: join(folder, 'access.log')
      }
    }
  }
}

/** The first is what the others are compared with. */
export const subjects: readonly Subject[] = [
  smallProxy('floor: node:http + undici dispatch', 'floor.ts'),
  gateway('Sluice, access log off', false),
  gateway('Sluice, access log to a file', true),
  gateway('Sluice, API key, limit, breaker, 3 targets', false, guarded),
  smallProxy('@fastify/http-proxy', 'fastify-http-proxy.ts')
]

/** A fresh folder for one run of one subject. */
export function folderFor(parent: string, round: number, subject: Subject): string {
  const folder = join(parent, `${round}-${subjects.indexOf(subject)}`)
  mkdirSync(folder)
  return folder
}
