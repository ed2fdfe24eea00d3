/**
 * From the Prometheus text format (0.0.4) to OpenMetrics 1.0. The registry could write OpenMetrics itself, but then it renames its
 * counters for good (`@prometheus-io/client` 0.16), and the next Prometheus scrape would find them under other names.
 */

export const prometheusType = 'text/plain; version=0.0.4; charset=utf-8'
export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/** The same samples as OpenMetrics: a counter's family loses its `_total`, its samples keep it. */
export function toOpenMetrics(text: string): string {
  const lines = text
    .split('\n')
    .filter(line => line !== '')
    .map(toOpenMetricsLine)
  const counters = new Set(lines.flatMap(line => /^# TYPE (\S+) counter$/.exec(line)?.[1] ?? []))
  const named = lines.map(line => {
    const help = /^# HELP (\S+)_total (.*)$/.exec(line)
    return help?.[1] !== undefined && counters.has(help[1]) ? `# HELP ${help[1]} ${help[2]}` : line
  })
  return `${named.join('\n')}\n# EOF\n`
}

// A counter whose samples do not end in _total is none to OpenMetrics.
function toOpenMetricsLine(line: string): string {
  if (!line.startsWith('# TYPE ')) return line
  if (line.endsWith(' untyped')) return line.replace(/ untyped$/, ' unknown')
  return line.endsWith('_total counter') ? line.replace(/_total counter$/, ' counter') : line.replace(/ counter$/, ' unknown')
}

/** Whether the client would rather have OpenMetrics, by its `Accept`. */
export function prefersOpenMetrics(accept: string | undefined): boolean {
  return accept?.toLowerCase().includes('application/openmetrics-text') === true
}
