/**
 * The plots of a report, drawn as SVG when the report is written, so the page shows them without a script. Colours are the page's
 * own variables, for light and dark; each plot also describes itself in words.
 */
import * as Plot from "@observablehq/plot"
import { parseHTML } from "linkedom"
import { escape } from "./Html.ts"

/** `a` is before, `b` is after. */
export type Colour = "a" | "b"

/** A point of a line; `low` and `high` bound a band. */
export interface Point {
  readonly x: number
  readonly y: number
  readonly low?: number
  readonly high?: number
}

/** @category models */
export interface Series {
  readonly label: string
  readonly colour: Colour
  readonly points: ReadonlyArray<Point>
}

const size = { width: 440, height: 250, marginLeft: 52, marginBottom: 36, marginTop: 14 } as const
const style = { background: "transparent", fontSize: "12px" } as const
const colour = (name: Colour): string => `var(--${name})`
const { document } = parseHTML("<!doctype html><html><body></body></html>")

const number = (x: number): string =>
  Number.isInteger(x) ? String(x) : Math.abs(x) >= 100 ? x.toFixed(0) : Number(x.toPrecision(3)).toString()

/** More points than pixels show nothing: neighbours are averaged, down to this many. */
const most = 400

const thinned = (points: ReadonlyArray<Point>): ReadonlyArray<Point> => {
  if (points.length <= most) return points
  const mean = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b, 0) / values.length
  return Array.from({ length: most }, (_, i) => {
    const part = points.slice(
      Math.floor((i * points.length) / most),
      Math.max(Math.floor(((i + 1) * points.length) / most), Math.floor((i * points.length) / most) + 1),
    )
    return { x: mean(part.map(({ x }) => x)), y: mean(part.map(({ y }) => y)) }
  })
}

/** A line, described in words. */
const told = ({ label, points }: Series, x: string): string => {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined) return `${label}: no values`
  const top = points.reduce((best, point) => (point.y > best.y ? point : best))
  const bottom = points.reduce((best, point) => (point.y < best.y ? point : best))
  return `${label}: ${number(first.y)} at ${x} ${number(first.x)}, ${number(last.y)} at ${x} ${number(last.x)}, highest ${number(top.y)} at ${number(top.x)}, lowest ${number(bottom.y)} at ${number(bottom.x)}`
}

/** The parts of a drawn plot in use; this package has no browser types. */
interface Picture {
  readonly outerHTML: string
  readonly setAttribute: (name: string, value: string) => void
  readonly querySelectorAll: (selector: string) => Iterable<{ readonly removeAttribute: (name: string) => void }>
}

/** A figure: title, legend, picture, and its description in words. */
const figure = (title: string, words: string, legend: ReadonlyArray<Series>, plot: Picture): string => {
  plot.setAttribute("role", "img")
  plot.setAttribute("aria-label", `${title}. ${words}`)
  // A picture is read out as a whole, so its parts are not.
  for (const part of plot.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label")
  const keys =
    legend.length < 2
      ? ""
      : ` ${legend.map((one) => `<span class="key key-${one.colour}">${escape(one.label)}</span>`).join(" ")}`
  return `<figure><figcaption>${escape(title)}${keys}</figcaption>${plot.outerHTML}<button type="button" class="svg" aria-label="Save ${escape(title)} as SVG">SVG</button></figure>`
}

/** Lines over steps or over k, with bands if the points have them. @category plots */
export const lines = (options: {
  readonly title: string
  readonly x: string
  readonly series: ReadonlyArray<Series>
  /** x on a logarithmic scale of base 2, with ticks at its values. */
  readonly log?: boolean
  readonly range?: readonly [number, number]
}): string => {
  const { log = false, range, series, title, x } = options
  const shown = series
    .filter(({ points }) => points.length > 0)
    .map(({ colour: name, label, points }): Series => ({ colour: name, label, points: thinned(points) }))
  const marks = shown.flatMap(({ colour: name, points }) => {
    const stroke = colour(name)
    const rows = points.map((point) => ({ ...point }))
    const banded = rows.filter((row) => row.low !== undefined && row.high !== undefined)
    return [
      ...(banded.length > 0
        ? [Plot.areaY(banded, { x: "x", y1: "low", y2: "high", fill: stroke, fillOpacity: 0.18 })]
        : []),
      Plot.lineY(rows, { x: "x", y: "y", stroke, strokeWidth: 2 }),
      ...(rows.length <= 12 ? [Plot.dot(rows, { x: "x", y: "y", fill: stroke, r: 3 })] : []),
    ]
  })
  const ticks = [...new Set(shown.flatMap(({ points }) => points.map((point) => point.x)))]
  const plot = Plot.plot({
    ...size,
    style,
    document,
    x: { label: x, ...(log ? { type: "log", base: 2, ticks, tickFormat: number } : {}) },
    y: { grid: true, label: null, ...(range === undefined ? {} : { domain: [...range] }) },
    marks,
  })
  return figure(title, shown.map((one) => told(one, x)).join("; "), shown, plot)
}

/** Shares of values in bins of equal width, before and after side by side. @category plots */
export const histogram = (options: {
  readonly title: string
  readonly x: string
  readonly groups: ReadonlyArray<{
    readonly label: string
    readonly colour: Colour
    readonly values: ReadonlyArray<number>
  }>
}): string => {
  const { groups, title, x } = options
  const shown = groups.filter(({ values }) => values.length > 0)
  const all = shown.flatMap(({ values }) => values)
  const [low, high] = [all.reduce((a, b) => Math.min(a, b), Infinity), all.reduce((a, b) => Math.max(a, b), -Infinity)]
  const bins = Math.max(1, Math.min(20, new Set(all).size))
  const width = (high - low || 1) / bins
  const marks = shown.map(({ colour: name, values }, i) => {
    const counts = Array<number>(bins).fill(0)
    for (const value of values) counts[Math.min(bins - 1, Math.floor((value - low) / width))]++
    const rows = counts.map((count, bin) => ({
      x1: low + (bin + i / shown.length) * width,
      x2: low + (bin + (i + 1) / shown.length) * width,
      share: count / values.length,
    }))
    return Plot.rectY(rows, { x1: "x1", x2: "x2", y: "share", fill: colour(name), insetLeft: 0.5, insetRight: 0.5 })
  })
  const plot = Plot.plot({
    ...size,
    style,
    document,
    x: { label: x },
    y: { grid: true, label: null, tickFormat: (share: number) => `${Math.round(share * 100)} %` },
    marks: [...marks, Plot.ruleY([0])],
  })
  const mean = (values: ReadonlyArray<number>): number => values.reduce((a, b) => a + b, 0) / values.length
  const words = shown
    .map(
      ({ label, values }) =>
        `${label}: ${values.length} values, mean ${number(mean(values))}, from ${number(Math.min(...values.slice(0, 1e5)))} to ${number(Math.max(...values.slice(0, 1e5)))}`,
    )
    .join("; ")
  return figure(
    title,
    words,
    shown.map(({ colour: name, label }) => ({ colour: name, label, points: [] })),
    plot,
  )
}

/** A problem's share of correct responses, before and after. @category plots */
export const pairs = (options: {
  readonly title: string
  readonly points: ReadonlyArray<{ readonly before: number; readonly after: number }>
}): string => {
  const { points, title } = options
  const counts = new Map<string, { readonly before: number; readonly after: number; count: number }>()
  for (const { after, before } of points) {
    const key = `${before} ${after}`
    const found = counts.get(key)
    if (found === undefined) counts.set(key, { before, after, count: 1 })
    else found.count++
  }
  const better = points.filter(({ after, before }) => after > before).length
  const worse = points.filter(({ after, before }) => after < before).length
  const plot = Plot.plot({
    ...size,
    height: 310,
    marginTop: 26,
    style,
    document,
    x: { label: "before", domain: [0, 1], grid: true },
    y: { label: "after", domain: [0, 1], grid: true },
    r: { range: [2, 12] },
    marks: [
      Plot.line(
        [
          { x: 0, y: 0 },
          { x: 1, y: 1 },
        ],
        { x: "x", y: "y", stroke: "var(--dim)", strokeDasharray: "4 4" },
      ),
      Plot.dot([...counts.values()], { x: "before", y: "after", r: "count", fill: "var(--b)", fillOpacity: 0.55 }),
    ],
  })
  return figure(
    title,
    `${points.length} problems: ${better} are solved more often than before, ${worse} less often, ${points.length - better - worse} equally often`,
    [],
    plot,
  )
}
