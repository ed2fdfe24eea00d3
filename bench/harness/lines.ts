/** Pictures of lines over time, as SVG that reads on light and dark pages. */

export interface Line {
  readonly label: string
  readonly color: string
  readonly dashed?: boolean
  /** At equal distances in time. */
  readonly values: readonly number[]
}

export interface Chart {
  readonly title: string
  readonly lines: readonly Line[]
}

const width = 660
const left = 52
const height = 170
const gap = 54

/** Charts one below the other, all over the same seconds. Labels and titles are plain text. */
export function toLinesSvg(charts: readonly Chart[], seconds: number): string {
  const parts = charts.flatMap((chart, index) => drawChart(chart, seconds, 28 + index * (height + gap)))
  const style =
    '<style>text{font:12px sans-serif;fill:#222}.bold{font-weight:bold}.axis{stroke:#8884;fill:none}polyline{fill:none;stroke-width:2}@media(prefers-color-scheme:dark){text{fill:#ddd}}</style>'
  const total = charts.length * (height + gap) + 8
  const alternative = `<title>${charts.map(({ title }) => title).join('; ')}</title>`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${total}" width="${width}" height="${total}">\n${[alternative, style, ...parts].join('\n')}\n</svg>\n`
}

function drawChart({ title, lines }: Chart, seconds: number, top: number): string[] {
  const most = niceCeiling(Math.max(...lines.flatMap(({ values }) => values)))
  const x = (at: number, of: number) => left + (at / (of - 1)) * (width - left - 24)
  const y = (value: number) => top + height * (1 - Math.min(value, most) / most)
  const parts = [text(0, top - 12, title, 'bold')]
  for (const share of [0, 0.25, 0.5, 0.75, 1]) {
    const level = y(most * share).toFixed(1)
    parts.push(`<line class="axis" x1="${left}" x2="${width - 24}" y1="${level}" y2="${level}"/>`)
    parts.push(text(left - 6, Number(level) + 4, String(Math.round(most * share)), 'end'))
  }
  for (let second = 0; second <= seconds; second += seconds / 6)
    parts.push(text(x(second, seconds + 1), top + height + 16, `${second} s`, 'middle'))
  let legend = left + 230
  for (const { label, color, dashed = false, values } of lines) {
    const points = values.map((value, at) => `${x(at, values.length).toFixed(1)},${y(value).toFixed(1)}`).join(' ')
    const stroke = `stroke="${color}"${dashed ? ' stroke-dasharray="5 4"' : ''}`
    parts.push(`<polyline ${stroke} points="${points}"/>`)
    parts.push(
      `<line ${stroke} stroke-width="2" x1="${legend}" x2="${legend + 22}" y1="${top - 16}" y2="${top - 16}"/>`,
      text(legend + 28, top - 12, label)
    )
    legend += 46 + label.length * 7
  }
  return parts
}

function niceCeiling(value: number): number {
  const step = 10 ** Math.floor(Math.log10(value))
  return Math.ceil(value / step) * step
}

const anchors: Readonly<Record<string, string>> = { end: ' text-anchor="end"', middle: ' text-anchor="middle"', bold: ' class="bold"' }

function text(x: number, y: number, said: string, how = ''): string {
  return `<text x="${x}" y="${y}"${anchors[how] ?? ''}>${said}</text>`
}
