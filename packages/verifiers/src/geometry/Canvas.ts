/** A small rasteriser: thick lines, arcs and labels in black on white. */
import type { Picture } from "./Png.ts"

/** A point in pixels, y downwards. @category models */
export interface Point {
  readonly x: number
  readonly y: number
}

/** Five columns by seven rows, a number of five bits a row. */
const glyphs: Readonly<Record<string, ReadonlyArray<number>>> = {
  "0": [14, 17, 19, 21, 25, 17, 14],
  "1": [4, 12, 4, 4, 4, 4, 14],
  "2": [14, 17, 1, 2, 4, 8, 31],
  "3": [31, 2, 4, 2, 1, 17, 14],
  "4": [2, 6, 10, 18, 31, 2, 2],
  "5": [31, 16, 30, 1, 1, 17, 14],
  "6": [6, 8, 16, 30, 17, 17, 14],
  "7": [31, 1, 2, 4, 8, 8, 8],
  "8": [14, 17, 17, 14, 17, 17, 14],
  "9": [14, 17, 17, 15, 1, 2, 12],
  A: [14, 17, 17, 31, 17, 17, 17],
  B: [30, 17, 17, 30, 17, 17, 30],
  C: [14, 17, 16, 16, 16, 17, 14],
  D: [28, 18, 17, 17, 17, 18, 28],
  O: [14, 17, 17, 17, 17, 17, 14],
  x: [0, 0, 17, 10, 4, 10, 17],
  "°": [12, 18, 18, 12, 0, 0, 0],
}

/** A white canvas that one draws on. @category constructors */
export const make = (width: number, height: number) => {
  const pixels = new Uint8Array(width * height)
  const dot = (x: number, y: number): void => {
    if (x >= 0 && y >= 0 && x < width && y < height) pixels[y * width + x] = 1
  }
  /** Two pixels by two. */
  const pen = (x: number, y: number): void => {
    for (const dx of [0, 1]) for (const dy of [0, 1]) dot(x + dx, y + dy)
  }
  const line = (from: Point, to: Point): void => {
    const [x0, y0, x1, y1] = [from.x, from.y, to.x, to.y].map(Math.round)
    const steps = Math.max(Math.abs(x1 - x0), Math.abs(y1 - y0), 1)
    for (let i = 0; i <= steps; i++)
      pen(x0 + Math.round((i * (x1 - x0)) / steps), y0 + Math.round((i * (y1 - y0)) / steps))
  }
  /** Part of a circle, from an angle to another, counter-clockwise in radians. */
  const arc = (centre: Point, radius: number, from: number, to: number): void => {
    const parts = Math.max(8, Math.ceil(((to - from) * radius) / 4))
    const at = (i: number): Point => {
      const angle = from + ((to - from) * i) / parts
      return { x: centre.x + radius * Math.cos(angle), y: centre.y - radius * Math.sin(angle) }
    }
    for (let i = 0; i < parts; i++) line(at(i), at(i + 1))
  }
  /** A text whose middle is here; throws a `RangeError` on a character that has no glyph. */
  const label = (text: string, middle: Point, scale = 2): void => {
    const left = Math.round(middle.x - (scale * (6 * text.length - 1)) / 2)
    const top = Math.round(middle.y - (scale * 7) / 2)
    for (const [at, character] of [...text].entries()) {
      if (!Object.hasOwn(glyphs, character)) throw new RangeError(`there is no glyph for "${character}"`)
      for (const [row, bits] of glyphs[character].entries())
        for (let column = 0; column < 5; column++)
          if (bits & (16 >> column))
            for (let dx = 0; dx < scale; dx++)
              for (let dy = 0; dy < scale; dy++) dot(left + scale * (6 * at + column) + dx, top + scale * row + dy)
    }
  }
  const picture: Picture = { width, height, pixels }
  return { picture, line, arc, label }
}
