import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'

/** A Lua script that Redis runs atomically. */
export interface RedisScript {
  /** Sends the digest only; the whole text once, when the server does not know it (a new server, a restart). */
  run(redis: Redis, keys: readonly string[], args: readonly (string | number)[]): Promise<unknown>
}

/** @param names of `.lua` files beside this one, read now and run as one: functions first. */
export function createScript(...names: readonly string[]): RedisScript {
  return createScriptAt(import.meta.url, ...names)
}

/** As `createScript`, of files beside the module `base`. */
export function createScriptAt(base: string, ...names: readonly string[]): RedisScript {
  const source = names.map(name => readFileSync(new URL(name, base), 'utf8')).join('\n')
  const sha = createHash('sha1').update(source).digest('hex')
  return {
    async run(redis, keys, args) {
      // `call` takes a list: a commit of many changes has more arguments than a call of a function may have.
      const rest = [keys.length, ...keys].concat(args)
      try {
        return await redis.call('EVALSHA', [sha, ...rest])
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
        return redis.call('EVAL', [source, ...rest])
      }
    }
  }
}
