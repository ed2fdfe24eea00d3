import type { FormatName } from './file-source.ts'

/** What a configuration file holds when the gateway makes it: nothing yet, and how to begin. */
export const fileTemplates: Readonly<Record<FormatName, string>> = {
  yaml: `# The configuration of Sluice. Save this file and it is followed at once. Changes made over the admin API are written back here;
# comments and order stay.

# Named groups of targets:
#   - id: users
#     targets:
#       - url: http://10.0.0.7:8080
#       - url: http://10.0.0.8:8080
services: []

# What to do with which request:
#   - id: users
#     path: /api/users
#     target_service: users
#   - id: hello
#     path: /hello
#     respond:
#       body: hello
forward_rules: []
`,
  json: `${JSON.stringify({ services: [], forward_rules: [] }, null, 2)}\n`
}
