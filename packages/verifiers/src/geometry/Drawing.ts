/**
 * Draws figures: true to their angles and lengths as far as these can be told apart in a picture.
 *
 * @module
 */
import * as Canvas from "./Canvas.ts"
import type { Figure } from "./Figures.ts"
import * as Png from "./Png.ts"

type Canvas = ReturnType<typeof Canvas.make>
type Point = Canvas.Point

/** Pixels on a side. */
const size = 336
const margin = 56
const radians = (degrees: number): number => (degrees * Math.PI) / 180
const middle: Point = { x: size / 2, y: size / 2 }

const add = (a: Point, b: Point, factor = 1): Point => ({ x: a.x + factor * b.x, y: a.y + factor * b.y })
const unit = ({ x, y }: Point): Point => {
  const length = Math.hypot(x, y)
  return { x: x / length, y: y / length }
}
const towards = (from: Point, to: Point): Point => unit(add(to, from, -1))
const half = (a: Point, b: Point): Point => ({ x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 })

/** The points moved and scaled into the picture, upside up. */
const fit = (points: ReadonlyArray<Point>): ReadonlyArray<Point> => {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)]
  const [left, right, low, high] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
  const scale = (size - 2 * margin) / Math.max(right - left, high - low)
  return points.map(({ x, y }) => ({
    x: middle.x + scale * (x - (left + right) / 2),
    y: middle.y - scale * (y - (low + high) / 2),
  }))
}

const polygon = ({ line }: Canvas, points: ReadonlyArray<Point>): void => {
  for (const [i, point] of points.entries()) line(point, points[(i + 1) % points.length])
}

/** Names of corners, outside of their polygon. */
const corners = ({ label }: Canvas, points: ReadonlyArray<Point>, names: string): void => {
  const centre = points.reduce((sum, point) => add(sum, point, 1 / points.length), { x: 0, y: 0 })
  for (const [i, name] of [...names].entries()) label(name, add(points[i], towards(centre, points[i]), 20))
}

/** The arc of the angle at `corner`, and a text inside it. */
const angle = ({ arc, label }: Canvas, corner: Point, one: Point, other: Point, text: string): void => {
  const [a, b] = [towards(corner, one), towards(corner, other)]
  const [from, to] = [a, b].map(({ x, y }) => Math.atan2(-y, x)).sort((p, q) => p - q)
  const [start, end] = to - from > Math.PI ? [to, from + 2 * Math.PI] : [from, to]
  arc(corner, 18, start, end)
  const bisector = { x: Math.cos((start + end) / 2), y: -Math.sin((start + end) / 2) }
  label(text, add(corner, bisector, Math.max(36, 22 / Math.sin((end - start) / 2))))
}

/** The angles of a triangle; where one is too sharp for a text inside, all stand outside, beyond the names of the corners. */
const angles = (canvas: Canvas, points: ReadonlyArray<Point>, texts: ReadonlyArray<string>, sharpest: number): void => {
  const centre = points.reduce((sum, point) => add(sum, point, 1 / 3), { x: 0, y: 0 })
  for (const [i, text] of texts.entries()) {
    if (text === "") continue
    const [corner, one, other] = [points[i], points[(i + 1) % 3], points[(i + 2) % 3]]
    angle(canvas, corner, one, other, sharpest < 40 ? "" : text)
    const name = add(corner, towards(centre, corner), 20)
    if (sharpest < 40) canvas.label(text, add(name, { x: 0, y: corner.y < centre.y ? -20 : 20 }))
  }
}

/** A text beside the middle of a side, away from `inside`. */
const side = ({ label }: Canvas, from: Point, to: Point, inside: Point, text: string): void => {
  const centre = half(from, to)
  const along = towards(from, to)
  const across = { x: -along.y, y: along.x }
  const away = (centre.x - inside.x) * across.x + (centre.y - inside.y) * across.y > 0 ? 1 : -1
  // Beside a short side stand the names of its corners.
  const short = Math.hypot(to.x - from.x, to.y - from.y) < 60
  label(text, add(centre, across, away * (short ? 40 : 20)))
}

/** A triangle with these angles at A and B, whose side AB is level. */
const byAngles = (a: number, b: number): ReadonlyArray<Point> => {
  const c = 180 - a - b
  const length = Math.sin(radians(b)) / Math.sin(radians(c))
  return fit([
    { x: 0, y: 0 },
    { x: 1, y: 0 },
    { x: length * Math.cos(radians(a)), y: length * Math.sin(radians(a)) },
  ])
}

const degrees = (value: number): string => `${value}°`

const triangle = (
  canvas: Canvas,
  [a, b]: readonly [number, number],
  texts: readonly [string, string, string],
): void => {
  const points = byAngles(a, b)
  polygon(canvas, points)
  corners(canvas, points, "ABC")
  angles(canvas, points, texts, Math.min(a, b, 180 - a - b))
}

const exterior = (canvas: Canvas, [a, b]: readonly [number, number]): void => {
  // The side AC goes on to D, which takes its room from the triangle.
  const [A, B, C] = byAngles(a, b)
  const [p, q, r, d] = fit([A, B, C, add(C, add(C, A, -1), 0.4)].map(({ x, y }) => ({ x, y: -y })))
  polygon(canvas, [p, q, r])
  canvas.line(r, d)
  corners(canvas, [p, q, r, d], "ABCD")
  angles(canvas, [p, q, r], [degrees(a), degrees(b), ""], Math.min(a, b))
  angle(canvas, r, q, d, "x")
}

const parallels = (canvas: Canvas, given: number, wanted: "alternate" | "same-side"): void => {
  const [upper, lower] = [size / 2 - 60, size / 2 + 60]
  // A flat line would leave the picture before it reaches the other parallel.
  const shift = Math.max(-110, Math.min(110, 120 / Math.tan(radians(given))))
  const [top, bottom] = [
    { x: middle.x + shift / 2, y: upper },
    { x: middle.x - shift / 2, y: lower },
  ]
  const beyond = towards(bottom, top)
  canvas.line({ x: 16, y: upper }, { x: size - 16, y: upper })
  canvas.line({ x: 16, y: lower }, { x: size - 16, y: lower })
  canvas.line(add(top, beyond, 48), add(bottom, beyond, -48))
  const [left, right] = [-100, 100]
  angle(canvas, bottom, add(bottom, { x: right, y: 0 }), top, degrees(given))
  angle(canvas, top, add(top, { x: wanted === "alternate" ? left : right, y: 0 }), bottom, "x")
}

const right = (canvas: Canvas, legs: readonly [number, number], texts: readonly [string, string, string]): void => {
  const points = fit([
    { x: 0, y: 0 },
    { x: legs[0], y: 0 },
    { x: 0, y: legs[1] },
  ])
  const [C, A, B] = points
  polygon(canvas, points)
  corners(canvas, points, "CAB")
  const inside = points.reduce((sum, point) => add(sum, point, 1 / 3), { x: 0, y: 0 })
  const [level, upright] = [towards(C, A), towards(C, B)]
  const square = add(add(C, level, 12), upright, 12)
  canvas.line(add(C, level, 12), square)
  canvas.line(add(C, upright, 12), square)
  for (const [i, [from, to]] of [
    [C, A],
    [C, B],
    [A, B],
  ].entries())
    side(canvas, from, to, inside, texts[i])
}

const rectangle = (canvas: Canvas, [width, height]: readonly [number, number]): void => {
  const points = fit([
    { x: 0, y: 0 },
    { x: width, y: 0 },
    { x: width, y: height },
    { x: 0, y: height },
  ])
  polygon(canvas, points)
  corners(canvas, points, "ABCD")
  side(canvas, points[0], points[1], middle, String(width))
  side(canvas, points[1], points[2], middle, String(height))
}

const circle = (canvas: Canvas, given: "radius" | "diameter", length: number): void => {
  const radius = (size - 2 * margin) / 2
  canvas.arc(middle, radius, 0, 2 * Math.PI)
  canvas.label("O", add(middle, { x: 0, y: 18 }))
  const from = given === "radius" ? middle : add(middle, { x: -radius, y: 0 })
  canvas.line(from, add(middle, { x: radius, y: 0 }))
  canvas.label(String(length), add(middle, { x: radius / 2, y: -16 }))
}

/** The figure as a PNG of 336 by 336 pixels; the same figure has the same bytes. @category drawing */
export const png = (figure: Figure): Uint8Array => {
  const canvas = Canvas.make(size, size)
  switch (figure.kind) {
    case "triangle":
      triangle(canvas, figure.angles, [degrees(figure.angles[0]), degrees(figure.angles[1]), "x"])
      break
    case "exterior":
      exterior(canvas, figure.angles)
      break
    case "isosceles": {
      const base = figure.given === "base" ? figure.angle : (180 - figure.angle) / 2
      const [apex, foot] = figure.given === "apex" ? [degrees(figure.angle), "x"] : ["x", degrees(figure.angle)]
      // Both base angles are written where they are given: nothing else says that two sides are equal.
      triangle(canvas, [base, base], [foot, foot, apex])
      break
    }
    case "parallels":
      parallels(canvas, figure.angle, figure.wanted)
      break
    case "right": {
      const [a, b] = figure.sides
      if (figure.given === "legs") right(canvas, [a, b], [String(a), String(b), "x"])
      else right(canvas, [Math.sqrt(a * a - b * b), b], ["x", String(b), String(a)])
      break
    }
    case "rectangle":
      rectangle(canvas, figure.sides)
      break
    case "circle":
      circle(canvas, figure.given, figure.length)
      break
  }
  return Png.encode(canvas.picture)
}
