/** `/forward-rules` */
import type { Static } from 'typebox'
import { ForwardRuleQuerySchema, pageSchema } from '../schemas/admin.ts'
import { ForwardRuleSchema, ForwardRuleWriteSchema, ForwardRuleWrittenSchema } from '../schemas/forward-rule.ts'
import { itemRoutes } from './items.ts'

type Query = Static<typeof ForwardRuleQuerySchema>

export default itemRoutes<'forward_rule', Query>({
  kind: 'forward_rule',
  path: '/forward-rules',
  tag: 'Forward rules',
  name: 'ForwardRule',
  noun: 'rule',
  readSchema: ForwardRuleSchema,
  writtenSchema: ForwardRuleWrittenSchema,
  writeSchema: ForwardRuleWriteSchema,
  pageSchema: pageSchema(ForwardRuleSchema, 'ForwardRulePage'),
  querySchema: ForwardRuleQuerySchema,
  examples: {
    short: { summary: 'A path to a target', value: { id: 'rule-001', path: '/api', target: 'http://127.0.0.1:8081' } },
    version: {
      summary: 'One version of an API, by header',
      value: { id: 'users-v2', path: '/api/users', headers: { 'api-version': 'v2' }, target: 'http://127.0.0.1:8082', strip_prefix: true }
    },
    canary: {
      summary: 'A fifth of the traffic, the same visitors each time',
      value: { id: 'users-canary', path: '/api/users', target: 'http://127.0.0.1:8083', weight: 20, split_on: 'cookie:uid' }
    },
    redirect: {
      summary: 'A redirect',
      value: { id: 'to-https', host: ['example.com'], redirect: { status: 308, location: 'https://{host}{path}{query}' } }
    }
  },
  patchExample: { enabled: false, priority: 10 },
  matches: (rule, { path, host, service, enabled }) =>
    (path === undefined || rule.path.startsWith(path)) &&
    (host === undefined || rule.host?.includes(host.toLowerCase()) === true) &&
    (service === undefined || rule.target_service === service) &&
    (enabled === undefined || rule.enabled === enabled)
})
