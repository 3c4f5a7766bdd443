/** A curve over training steps, one line a lane, with the moments at which something was changed. */
import { html, svg } from "../figures/Dom.ts"

/** A lane's points: `values[i]` was measured in step i + 1; null where there was nothing to measure. */
export interface Line {
  readonly name: string
  readonly values: ReadonlyArray<number | null>
  /** Steps after which the knobs were changed. */
  readonly changes: ReadonlyArray<number>
}

export interface Options {
  readonly title: string
  /** What one sees, in a sentence. */
  readonly about: string
  /** Steps over which the bold line is the mean; 1 draws the values themselves. */
  readonly rolling: number
  readonly format: (value: number) => string
  /** Whether the first value is drawn as a level to compare with. */
  readonly start: boolean
  /** Pixels. It is as wide as its place. */
  readonly height: number
}

export interface Chart {
  readonly element: HTMLElement
  readonly draw: (lines: ReadonlyArray<Line>) => void
}

/** The mean of up to `count` values that end at each place. */
export const rolling = (values: ReadonlyArray<number | null>, count: number): Array<number | null> =>
  values.map((_, i) => {
    const window = values.slice(Math.max(0, i + 1 - count), i + 1).filter((v) => v !== null)
    return window.length === 0 ? null : window.reduce((a, b) => a + b, 0) / window.length
  })

const steps = [1, 2, 2.5, 5, 10]

/** About four round numbers between two. */
export const ticks = (low: number, high: number): Array<number> => {
  const rough = (high - low) / 4
  const power = 10 ** Math.floor(Math.log10(rough))
  const by = power * (steps.find((s) => s * power >= rough) ?? 10)
  const out: Array<number> = []
  for (let v = Math.ceil(low / by) * by; v <= high + by * 1e-9; v += by) out.push(Number(v.toPrecision(12)))
  return out
}

export const make = (options: Options): Chart => {
  const { about, format, height, rolling: count, start, title } = options
  const edge = { left: 48, right: 12, top: 10, bottom: 26 }
  const canvas = svg("svg", { role: "img" })
  const caption = html("figcaption", {}, html("strong", { textContent: title }), html("span", { textContent: about }))
  const now = html("p", { className: "now" })
  const element = html("figure", { className: "chart" }, caption, canvas, now)
  let width = 0
  let shown: ReadonlyArray<Line> = []
  const draw = (lines: ReadonlyArray<Line>): void => {
    shown = lines
    width = Math.max(200, Math.round(canvas.getBoundingClientRect().width))
    canvas.setAttribute("viewBox", `0 0 ${width} ${height}`)
    const smooth = lines.map(({ values }) => rolling(values, count))
    const all = [...lines.flatMap(({ values }) => values), ...smooth.flat()].filter((v) => v !== null)
    const last = Math.max(20, ...lines.map(({ values }) => values.length))
    const [least, most] = all.length === 0 ? [0, 1] : [Math.min(...all), Math.max(...all)]
    const room = Math.max((most - least) * 0.08, Math.abs(most) * 0.02, 1e-6)
    const [low, high] = [Math.max(0, least - room), most + room]
    const x = (step: number): number => edge.left + ((step - 1) / (last - 1)) * (width - edge.left - edge.right)
    const y = (v: number): number =>
      height - edge.bottom - ((v - low) / (high - low)) * (height - edge.top - edge.bottom)
    const path = (values: ReadonlyArray<number | null>): string => {
      let pen = "M"
      return values
        .flatMap((v, i) => {
          if (v === null) return []
          const point = `${pen}${x(i + 1).toFixed(1)} ${y(v).toFixed(1)}`
          pen = "L"
          return [point]
        })
        .join("")
    }
    const parts: Array<SVGElement> = []
    for (const v of ticks(low, high)) {
      parts.push(svg("line", { class: "grid", x1: edge.left, x2: width - edge.right, y1: y(v), y2: y(v) }))
      parts.push(svg("text", { x: edge.left - 6, y: y(v) + 4, "text-anchor": "end" }, format(v)))
    }
    for (const v of ticks(1, last).filter((v) => Number.isInteger(v) && v - 1 > 0.2 * (last - 1)))
      parts.push(svg("text", { x: x(v), y: height - 6, "text-anchor": v === last ? "end" : "middle" }, String(v)))
    parts.push(svg("text", { x: edge.left, y: height - 6, "text-anchor": "start" }, "step 1"))
    for (const [i, { changes, name, values }] of lines.entries()) {
      const first = values.find((v) => v !== null)
      if (start && first !== undefined && first !== null)
        parts.push(
          svg("line", { class: `start lane-${i}`, x1: edge.left, x2: width - edge.right, y1: y(first), y2: y(first) }),
        )
      if (count > 1) parts.push(svg("path", { class: `raw lane-${i}`, d: path(values) }))
      parts.push(svg("path", { class: `line lane-${i}`, d: path(smooth[i]) }))
      for (const step of changes) {
        const at = smooth[i][Math.max(0, step - 1)] ?? null
        if (at === null) continue
        const mark = svg("circle", { class: `change lane-${i}`, cx: x(Math.max(1, step)), cy: y(at), r: 4 })
        mark.append(svg("title", {}, `${name}: changed after step ${step}`))
        parts.push(mark)
      }
    }
    canvas.replaceChildren(...parts)
    const said = lines.map(({ name, values }, i) => {
      const value = smooth[i].at(-1) ?? null
      const first = values.find((v) => v !== null) ?? null
      if (value === null) return `${name}: nothing yet`
      const from = start && first !== null ? `, from ${format(first)} at the start` : ""
      return `${name}: ${format(value)}${from}`
    })
    now.replaceChildren(...said.map((text, i) => html("span", { className: `lane-${i}`, textContent: text })))
    canvas.setAttribute(
      "aria-label",
      `${title} over ${Math.max(0, ...lines.map((l) => l.values.length))} steps. ${said.join(". ")}`,
    )
  }
  new ResizeObserver(() => {
    if (Math.round(canvas.getBoundingClientRect().width) !== width) draw(shown)
  }).observe(element)
  return { element, draw }
}
