/** The shapes that the route index hands to the proxy. Everything here is immutable; live state lives elsewhere. */
import type { ForwardRule } from '../../schemas/forward-rule.ts'
import type { Service } from '../../schemas/service.ts'
import type { CompiledAuth } from './auth/compile-auth.ts'
import type { CompiledBreaker } from './breaker-policy.ts'
import type { CompiledTest } from './compile-tests.ts'
import type { CompiledWebSocket } from './compile-websocket.ts'
import type { CompiledDiscovery } from './discovery.ts'
import type { RequestFacts } from './facts.ts'
import type { CompiledHealthCheck } from './health-check.ts'
import type { CompiledLimit } from './limit/compiled-limit.ts'
import type { CompiledMatch } from './match.ts'
import type { OutlierPolicy } from './outlier.ts'
import type { NormalPath } from './path.ts'
import type { CompiledRetry } from './retry-policy.ts'

/** An address that requests are sent to, parsed once. */
export interface TargetAddress {
  /** `http://10.0.0.7:8080`, with the port left out when it is the scheme's default. */
  readonly origin: string
  /** The value of the `Host` field for `host_header: target`. */
  readonly host: string
  /** What the path of every request is put behind: `/base`, or `''`. Never ends in a slash. */
  readonly basePath: string
}

/** What holds for TLS to a target. PEM texts. */
export interface CompiledTls {
  readonly verify: boolean
  /** Undefined: the CAs of the system. */
  readonly ca: string | undefined
  /** Our own certificate with its chain and key, for targets that ask for one. */
  readonly cert: string | undefined
  readonly key: string | undefined
  /** The name for SNI and for the check of the certificate; undefined: the one in the URL. */
  readonly serverName: string | undefined
}

/** How connections to a target are made, where it is not by HTTP/1.1 and with the CAs of the system. */
export interface Transport {
  /** Equal for transports that are equal: their connections are shared. */
  readonly key: string
  readonly http2: boolean
  readonly tls: CompiledTls | undefined
}

/** A target of a service. */
export interface CompiledTarget extends TargetAddress {
  /** Undefined: the default. */
  readonly transport?: Transport | undefined
  /** As the operator wrote it: what logs, metrics and the API call this target. */
  readonly url: string
  readonly weight: number
}

/** How a client is kept at one target. */
export interface CompiledSticky {
  /** The name of the cookie. */
  readonly cookie: string
  /** What follows its value in `Set-Cookie`, but for `Secure`. */
  readonly attributes: string
}

export interface CompiledService {
  readonly id: string
  readonly item: Service
  readonly targets: readonly CompiledTarget[]
  /** How connections to its targets are made. Undefined: the default. */
  readonly transport?: Transport | undefined
  /** Requests that one target may have in flight; null is no limit. */
  readonly maxConnections: number | null
  /** Undefined: requests of a client are not kept together. */
  readonly sticky?: CompiledSticky | undefined
  /** Undefined: it has no targets but those above. Those that are found are live state. */
  readonly discovery?: CompiledDiscovery | undefined
  /** Undefined: its targets are not probed. */
  readonly healthCheck: CompiledHealthCheck | undefined
  /** Undefined: its targets are not ejected. */
  readonly outlier: OutlierPolicy | undefined
  /** Undefined: it has no breaker. */
  readonly breaker: CompiledBreaker | undefined
}

/** A certificate of the TLS listener. */
export interface CompiledCertificate {
  /** In lower case; `*.` in front stands for one label. */
  readonly hosts: readonly string[]
  /** What the TLS server shows, ready for handshakes: a `SecureContext` of `node:tls`. */
  readonly context: unknown
}

/** Header edits ready to apply: names in lower case. Applied in the order remove, set, add. */
export interface CompiledHeaderEdits {
  readonly remove: readonly string[]
  readonly set: readonly (readonly [name: string, value: string])[]
  readonly add: readonly (readonly [name: string, value: string])[]
}

/** What a rule does with a request it takes. */
export type Action =
  | { readonly type: 'service'; readonly service: string }
  /** `rule.target`: a service of one target that has no name. */
  | { readonly type: 'target'; readonly target: CompiledTarget }
  | { readonly type: 'redirect'; readonly status: number }
  | { readonly type: 'respond'; readonly status: number; readonly headers: readonly (readonly [string, string])[]; readonly body: string }

/** Milliseconds; null is no limit. */
export interface CompiledTimeouts {
  readonly connect: number
  readonly send: number
  readonly read: number
  readonly total: number | null
}

/** Copies of requests for a second service. */
export interface CompiledMirror {
  /** The id of the service. */
  readonly service: string
  /** The share of the requests that is copied, from 0 to 1. */
  readonly share: number
}

/** A rule, compiled: what a request needs of it once it is matched. */
export interface CompiledRule {
  readonly id: string
  /** In canonical form. */
  readonly item: ForwardRule
  /** Of two rules, the older has the smaller. */
  readonly seq: number
  /** Equal for rules that are equal in every match field and in priority: they form a group and share traffic by weight. */
  readonly matchKey: string
  /** What the route index asks. */
  readonly match: CompiledMatch
  /** From the request's path to the one for the target: strip and rewrite. Undefined when the path is sent as it came. */
  readonly rewritePath: ((path: NormalPath) => string) | undefined
  /** Fills in the `Location` of a redirect rule; undefined for every other action. `path` is what `rewritePath` made. */
  readonly toLocation: ((facts: RequestFacts, path: string) => string) | undefined
  readonly action: Action
  /** `preserve`, `target`, or the literal value. */
  readonly hostHeader: string
  readonly requestHeaders: CompiledHeaderEdits | undefined
  readonly responseHeaders: CompiledHeaderEdits | undefined
  readonly timeouts: CompiledTimeouts
  /** Largest request body, in bytes; null is no limit. */
  readonly maxBodyBytes: number | null
  /** Undefined: no attempt but the first. */
  readonly retry: CompiledRetry | undefined
  /** Takes the place of its service's; undefined: that of its service holds. */
  readonly breaker: CompiledBreaker | undefined
  /** Undefined: everybody may use it. */
  readonly auth: CompiledAuth | undefined
  /** All of them must let a request pass. */
  readonly limits: readonly CompiledLimit[]
  /** Undefined: nothing is copied. */
  readonly mirror: CompiledMirror | undefined
  readonly websocket: CompiledWebSocket
  /** What must hold as long as the rule is there and enabled. */
  readonly tests: readonly CompiledTest[]
}

/** What one request follows. Decided once; the request keeps it even when the rules change before it ends. */
export interface Route {
  readonly rule: CompiledRule
  /** Path (after strip and rewrite) and query for the target, without the target's base path. Begins with a slash. */
  readonly upstreamPath: string
  /** The `Location` of a redirect rule, filled in; undefined for every other action. */
  readonly location: string | undefined
}

/** Why no route was found although a rule matched: every rule of the group has weight 0. */
export const drained: unique symbol = Symbol('drained')
