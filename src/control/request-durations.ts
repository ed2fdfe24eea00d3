/** The histogram of request durations, read from the plain numbers of `RuleSeries`. */
import { Histogram, type Registry } from '@prometheus-io/client'
import { durationBuckets, type RuleSeries, type RuleSeriesSet } from './rule-series.ts'

const name = 'sluice_http_request_duration_seconds'
const help = 'Time from the header section of a request to the end of its exchange, by rule.'

interface Sample {
  readonly metricName: string
  readonly labels: Record<string, string | number>
  readonly sharedLabels: Record<string, string>
  readonly value: number
}

export class RequestDurations extends Histogram<'rule'> {
  readonly #series: RuleSeriesSet

  constructor(series: RuleSeriesSet, registry: Registry) {
    super({ name, help, labelNames: ['rule'], buckets: [...durationBuckets], registers: [registry] })
    this.#series = series
  }

  /** Where the client library (0.16) takes the samples from, for text and, through `get`, for JSON. */
  async getForPromString(): Promise<object> {
    return { name, help, type: 'histogram', aggregator: 'sum', values: [...this.#series].flatMap(toSamples) }
  }
}

function toSamples({ rule, buckets, seconds }: RuleSeries): Sample[] {
  let count = 0
  const sample = (suffix: string, value: number, labels = {}): Sample => ({
    metricName: name + suffix,
    labels,
    sharedLabels: { rule },
    value
  })
  const samples = buckets.map((inBucket, index) => {
    count += inBucket
    return sample('_bucket', count, { le: durationBuckets[index] ?? '+Inf' })
  })
  return [...samples, sample('_sum', seconds), sample('_count', count)]
}
