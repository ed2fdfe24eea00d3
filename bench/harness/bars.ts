/** A picture of bars, as SVG that reads on light and dark pages. */

export interface Bar {
  readonly label: string
  readonly value: number
  /** Behind the bar. */
  readonly text: string
}

export interface Panel {
  readonly title: string
  readonly bars: readonly Bar[]
}

const rowHeight = 24
const labelWidth = 170
const barWidth = 380
const width = 660

/** Panels one below the other; the longest bar of each fills its width. Labels and titles are plain text. */
export function toSvg(panels: readonly Panel[]): string {
  const parts: string[] = []
  let top = 0
  for (const { title, bars } of panels) {
    parts.push(text(0, top + 20, title, 'bold'))
    const most = Math.max(...bars.map(({ value }) => value))
    for (const [at, { label, value, text: said }] of bars.entries()) {
      const y = top + 34 + at * rowHeight
      const length = Math.max(1, Math.round((value / most) * barWidth))
      parts.push(text(0, y + 15, label))
      parts.push(`<rect x="${labelWidth}" y="${y + 2}" width="${length}" height="${rowHeight - 6}" fill="#4f83cc"/>`)
      parts.push(text(labelWidth + length + 8, y + 15, said))
    }
    top += 34 + bars.length * rowHeight + 16
  }
  const alternative = `<title>${panels.map(({ title }) => title).join('; ')}</title>`
  const style =
    '<style>text{font:13px sans-serif;fill:#222}@media(prefers-color-scheme:dark){text{fill:#ddd}}.bold{font-weight:bold}</style>'
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top}" width="${width}" height="${top}">\n${[alternative, style, ...parts].join('\n')}\n</svg>\n`
}

function text(x: number, y: number, said: string, style?: string): string {
  return `<text x="${x}" y="${y}"${style === undefined ? '' : ` class="${style}"`}>${said}</text>`
}
