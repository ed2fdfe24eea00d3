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

function gateway(name: string, accessLog: boolean): Subject {
  return {
    name,
    command: async (port, target, folder) => {
      const store = join(folder, 'sluice.json')
      writeFileSync(store, JSON.stringify({ forward_rules: [{ id: 'r1', path: '/', target }] }))
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
  smallProxy('@fastify/http-proxy', 'fastify-http-proxy.ts')
]

/** A fresh folder for one run of one subject. */
export function folderFor(parent: string, round: number, subject: Subject): string {
  const folder = join(parent, `${round}-${subjects.indexOf(subject)}`)
  mkdirSync(folder)
  return folder
}
