/** What the small proxies of the bench are told. */
import { parseArgs } from 'node:util'

/** `--port 18080 --target http://127.0.0.1:18081` of this process. */
export function proxyArguments(): { port: number; target: string } {
  const { values } = parseArgs({ options: { port: { type: 'string' }, target: { type: 'string' } } })
  if (values.port === undefined || values.target === undefined) throw new Error('usage: --port NUMBER --target URL')
  return { port: Number(values.port), target: values.target }
}
