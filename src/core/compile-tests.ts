/** The tests of a rule, ready to be judged as often as the configuration changes. */
import type { Expectation, RuleTest } from '../../schemas/rule-test.ts'
import { type DescribedRequest, describeRequest } from './described-request.ts'
import type { PathMode } from './path.ts'
import type { Faults } from './rule-fault.ts'

/** A test whose request is one. */
export interface CompiledTest {
  readonly request: DescribedRequest
  readonly expect: Expectation
  /** `GET /api/users/7`, as written. */
  readonly name: string
}

const none: readonly CompiledTest[] = []

/** The tests of a rule; what is wrong with their requests goes to `faults`. `paths` is what the proxy takes in a path. */
export function compileTests(written: readonly RuleTest[] | undefined, faults: Faults, paths: PathMode): readonly CompiledTest[] {
  if (written === undefined || written.length === 0) return none
  const tests: CompiledTest[] = []
  for (const [index, { request: asked, expect }] of written.entries()) {
    const request = describeRequest(asked, paths)
    if ('detail' in request) faults.add(['tests', index, 'request', ...request.keys], request.detail)
    else tests.push({ request, expect, name: `${request.method} ${asked.url}` })
  }
  return tests
}
