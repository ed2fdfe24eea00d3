/**
 * Every error that a client of either plane can see, one line each. The `problem` plugin sends the code in lower case as
 * `application/problem+json` (RFC 9457); `docs/errors.md` lists the same table and a test keeps the two equal.
 */
import createError from '@fastify/error'

/** One fault of an input: where it is and what is wrong with it. Ends up in `errors` of a problem answer. */
export interface Fault {
  /** JSON pointer (RFC 6901) into what was sent; `''` is the whole. */
  readonly pointer: string
  /** What is wrong, for a person. Never holds anything of the inside. */
  readonly detail: string
}

// 4xx of both planes
export const BadPathError = createError<[]>('BAD_PATH', 'The request path is malformed or ambiguous', 400)
export const BadRequestError = createError<[detail: string]>('BAD_REQUEST', '%s', 400)
export const InvalidBodyError = createError<[detail: string]>('INVALID_BODY', '%s', 400)
export const BodyTooLargeError = createError<[]>('BODY_TOO_LARGE', 'The request body is larger than is allowed here', 413)
export const RequestTimeoutError = createError<[]>('REQUEST_TIMEOUT', 'The request did not arrive in time', 408)
export const UnauthorizedError = createError<[detail: string]>('UNAUTHORIZED', '%s', 401, Error, false)
export const HeadersTooLargeError = createError<[]>('HEADERS_TOO_LARGE', 'The request header section is too large', 431)

/** Without a stack: whoever is limited must cost little. */
export const RateLimitedError = createError<[detail: string]>('RATE_LIMITED', '%s', 429, Error, false)

// proxy
export const MethodNotAllowedError = createError<[method: string]>('METHOD_NOT_ALLOWED', '%s is not answered here', 405)
export const NoRuleError = createError<[method: string, path: string]>('NO_RULE', 'No rule matches %s %s', 404)
export const BadGatewayError = createError<[options?: ErrorOptions]>(
  'BAD_GATEWAY',
  'The target closed the connection or sent an invalid response',
  502
)
export const NoTargetError = createError<[]>('NO_TARGET', 'No target can take the request', 503)
export const BreakerOpenError = createError<[]>(
  'BREAKER_OPEN',
  'The circuit breaker is open: what it guards has failed; try again later',
  503
)
export const OverloadedError = createError<[]>('OVERLOADED', 'More requests or connections are open than are taken; try again shortly', 503)
export const NotReadyError = createError<[]>('NOT_READY', 'No configuration is loaded yet', 503)
export const UpgradeRequiredError = createError<[]>('UPGRADE_REQUIRED', 'Version 13 of the WebSocket protocol is needed', 426)
export const UpstreamTimeoutError = createError<[]>('UPSTREAM_TIMEOUT', 'The target did not answer in time', 504)

// admin
export const ForbiddenError = createError<[role: string, needed: string]>('FORBIDDEN', "The role '%s' may not do this; it takes '%s'", 403)
export const HostNotAllowedError = createError<[]>('HOST_NOT_ALLOWED', 'This Host is not served here', 403)
export const OriginNotAllowedError = createError<[]>('ORIGIN_NOT_ALLOWED', 'Requests from pages of other origins are refused', 403)
export const NotFoundError = createError<[method: string, path: string]>('NOT_FOUND', 'There is no %s %s', 404)
export const RuleNotFoundError = createError<[id: string]>('RULE_NOT_FOUND', "There is no rule '%s'", 404)
export const ServiceNotFoundError = createError<[id: string]>('SERVICE_NOT_FOUND', "There is no service '%s'", 404)
export const CertificateNotFoundError = createError<[id: string]>('CERTIFICATE_NOT_FOUND', "There is no certificate '%s'", 404)
export const TierNotFoundError = createError<[id: string]>('TIER_NOT_FOUND', "There is no tier '%s'", 404)
export const ClientNotFoundError = createError<[id: string]>('CLIENT_NOT_FOUND', "There is no client '%s'", 404)
export const BreakerNotFoundError = createError<[id: string]>('BREAKER_NOT_FOUND', "The service '%s' has no breaker", 404)
export const TargetNotFoundError = createError<[service: string]>(
  'TARGET_NOT_FOUND',
  "The service '%s' has no breaker for this target",
  404
)
export const RolloutNotFoundError = createError<[id: string]>('ROLLOUT_NOT_FOUND', "There is no rollout '%s'", 404)
export const ConnectionNotFoundError = createError<[id: string]>('CONNECTION_NOT_FOUND', "There is no open connection '%s'", 404)
export const RevisionNotFoundError = createError<[detail: string]>('REVISION_NOT_FOUND', '%s', 404)
export const AlreadyExistsError = createError<[kind: string, id: string]>('ALREADY_EXISTS', "There is already a %s '%s'", 409)
export const ServiceInUseError = createError<[id: string, rules: string]>('SERVICE_IN_USE', "The service '%s' is used by the rules %s", 409)
export const TierInUseError = createError<[id: string, users: string]>('TIER_IN_USE', "The tier '%s' is used by %s", 409)
export const KeyConflictError = createError<[id: string, other: string]>(
  'KEY_CONFLICT',
  "The client '%s' has a key that is one of the client '%s' as well",
  409
)
export const RuleConflictError = createError<[id: string, other: string]>(
  'RULE_CONFLICT',
  "Rule '%s' has the same match and priority as '%s'; both need a weight",
  409
)
export const StrictWarningsError = createError<[detail: string]>('STRICT_WARNINGS', '%s', 409)
export const RolloutActiveError = createError<[id: string]>('ROLLOUT_ACTIVE', "The rollout '%s' is running; one at a time", 409)
export const RolloutOverError = createError<[id: string, status: string]>('ROLLOUT_OVER', "The rollout '%s' has ended: %s", 409)
export const IdempotencyConflictError = createError<[]>('IDEMPOTENCY_CONFLICT', 'A request with this Idempotency-Key is still running', 409)
export const PreconditionFailedError = createError<[detail: string]>('PRECONDITION_FAILED', '%s', 412)
export const UnsupportedMediaTypeError = createError<[type: string]>('UNSUPPORTED_MEDIA_TYPE', "Content type '%s' is not taken here", 415)
export const UnknownServiceError = createError<[id: string, service: string]>(
  'UNKNOWN_SERVICE',
  "Rule '%s' names the unknown service '%s'",
  422
)
export const UnknownTierError = createError<[id: string, tier: string]>('UNKNOWN_TIER', "'%s' names the unknown tier '%s'", 422)
export const UnsafeRegexError = createError<[detail: string]>('UNSAFE_REGEX', '%s', 422)
export const ExpectationFailedError = createError<[detail: string]>('EXPECTATION_FAILED', '%s', 422)
export const NotRampableError = createError<[id: string, why: string]>('NOT_RAMPABLE', "The rule '%s' cannot be ramped: %s", 422)
export const IdempotencyReusedError = createError<[]>('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used with another request', 422)
export const ValidationError = createError<[detail: string]>('VALIDATION_FAILED', '%s', 400)
export const StoreUnavailableError = createError<[options?: ErrorOptions]>(
  'STORE_UNAVAILABLE',
  'The configuration store cannot be reached; nothing was written',
  503
)
export const StoreLostError = createError<[]>(
  'STORE_LOST',
  'The store lost its data or holds those of another life; decide with POST /config/recover',
  503
)
export const NotEstrangedError = createError<[]>('NOT_ESTRANGED', 'The store is followed: there is nothing to recover', 409)
export const NotAppliedError = createError<[revision: number]>(
  'NOT_APPLIED',
  'Written as revision %s, but not live on this instance yet',
  503
)
export const WriteContendedError = createError<[]>('WRITE_CONTENDED', 'Other writers were faster each time; nothing was written', 503)
export const InternalError = createError<[]>('INTERNAL_ERROR', 'Something went wrong inside', 500)

/** An error that lists what is wrong with the input. */
export type WithFaults<E extends Error> = E & { readonly faults: readonly Fault[] }

/** An error that says when to come back: the problem plugin sends it as `Retry-After`. */
export type WithRetryAfter = Error & { readonly retryAfterS: number }

/** The answer of an open breaker. @param waitMs until requests are let through again, in milliseconds */
export function breakerOpen(waitMs: number): WithRetryAfter {
  return Object.assign(new BreakerOpenError(), { retryAfterS: Math.max(1, Math.ceil(waitMs / 1_000)) })
}

/** The answer of a limit. @param waitMs until a request may go again, in milliseconds */
export function rateLimited(waitMs: number): WithRetryAfter {
  const error = new RateLimitedError('Too many requests; try again later')
  return Object.assign(error, { retryAfterS: Math.max(1, Math.ceil(waitMs / 1_000)) })
}

/** Puts `faults` on `error`; the problem plugin sends them as `errors`. */
export function withFaults<E extends Error>(error: E, faults: readonly Fault[]): WithFaults<E> {
  return Object.assign(error, { faults })
}
