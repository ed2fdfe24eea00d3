/** The gateways of a lab: real processes, each with a way to Redis of its own. */
import { freePort } from '../../bench/harness/children.ts'
import { type GatewayProcess, type SpawnOptions, startGateway, type Teardown, tempFolder } from '../../test/helpers/gateway.ts'
import { startWire, type Wire } from './wire.ts'

export class Member {
  readonly name: string
  readonly wire: Wire
  /** It runs here; holds its data folder. */
  readonly folder: string
  /** Stays the same when it is started again. */
  readonly proxyUrl: string
  readonly #t: Teardown
  readonly #env: Record<string, string>
  #gateway: GatewayProcess | undefined

  private constructor(t: Teardown, name: string, wire: Wire, port: number) {
    this.#t = t
    this.name = name
    this.wire = wire
    this.folder = tempFolder(t)
    this.proxyUrl = `http://127.0.0.1:${port}`
    this.#env = {
      SLUICE_STORE: wire.url,
      SLUICE_INSTANCE: name,
      SLUICE_HOST: '127.0.0.1',
      SLUICE_PORT: String(port),
      SLUICE_ACCESS_LOG: 'false'
    }
  }

  static async create(t: Teardown, name: string, redisPort: number): Promise<Member> {
    return new Member(t, name, await startWire(t, redisPort), await freePort())
  }

  /** The process. @throws {Error} before the first start */
  get gateway(): GatewayProcess {
    if (this.#gateway === undefined) throw new Error(`${this.name} was never started`)
    return this.#gateway
  }

  /** Starts it, also again after `stop`. Resolves when it has said where it listens. */
  async start(options: SpawnOptions = {}): Promise<void> {
    this.#gateway = await startGateway(this.#t, this.#env, this.folder, options)
  }

  /** Ends it with `signal`. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    await this.gateway.stop(signal)
  }
}
