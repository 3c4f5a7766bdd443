/** Drawings of figures, read back by another implementation of PNG's parts. */
import { crc32, inflateSync } from "node:zlib"
import { Effect } from "effect"
import { Geometry3k } from "@lpo/verifiers"
import { expect, it } from "vitest"

const { Drawing, Figures } = Geometry3k
const space = { angleStep: 3, maxLength: 12, heldOutShare: 0.25 }
const all = [...Figures.enumerate(space, "train"), ...Figures.enumerate(space, "held-out")]

/** The pixels of a PNG of one bit: true is black. */
const read = (png: Uint8Array) => {
  const bytes = Buffer.from(png)
  expect(bytes.subarray(0, 8).toString("latin1")).toBe("\x89PNG\r\n\x1a\n")
  const chunks = new Map<string, Buffer>()
  for (let at = 8; at < bytes.length;) {
    const length = bytes.readUInt32BE(at)
    const body = bytes.subarray(at + 4, at + 8 + length)
    expect(bytes.readUInt32BE(at + 8 + length)).toBe(crc32(body))
    chunks.set(body.subarray(0, 4).toString("latin1"), body.subarray(4))
    at += 12 + length
  }
  expect([...chunks.keys()]).toEqual(["IHDR", "IDAT", "IEND"])
  const header = chunks.get("IHDR")!
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)]
  expect([...header.subarray(8)]).toEqual([1, 0, 0, 0, 0])
  // Checks the sum at the end of the stream too.
  const rows = inflateSync(chunks.get("IDAT")!)
  const stride = 1 + Math.ceil(width / 8)
  expect(rows.length).toBe(height * stride)
  const black = (x: number, y: number): boolean => ((rows[y * stride + 1 + (x >> 3)] >> (7 - (x & 7))) & 1) === 0
  return { width, height, black }
}

it("is a picture with ink in the middle and a white border", () => {
  for (const figure of all.filter((_, i) => i % 97 === 0)) {
    const { black, height, width } = read(Drawing.png(figure))
    expect([width, height]).toEqual([336, 336])
    let ink = 0
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        if (!black(x, y)) continue
        ink++
        if (Math.min(x, y, width - 1 - x, height - 1 - y) < 2)
          throw new Error(`${Figures.words(figure)} has ink at ${x}, ${y}`)
      }
    expect(ink).toBeGreaterThan(700)
  }
})

it("draws a right triangle in proportion", () => {
  const { black } = read(Drawing.png({ kind: "right", given: "legs", sides: [3, 4] }))
  // Four units are 224 pixels, so the legs of 3 and 4 are 168 and 224 long and meet below on the left.
  const [left, bottom] = [168 - 84, 168 + 112]
  const inked = (points: ReadonlyArray<readonly [number, number]>) => points.filter(([x, y]) => black(x, y)).length
  const along = Array.from({ length: 11 }, (_, i) => i / 10)
  expect(inked(along.map((t) => [Math.round(left + 168 * t), bottom]))).toBe(11)
  expect(inked(along.map((t) => [left, Math.round(bottom - 224 * t)]))).toBe(11)
  expect(inked(along.map((t) => [Math.round(left + 168 * t), Math.round(bottom - 224 * (1 - t))]))).toBeGreaterThan(8)
  expect(black(left + 100, bottom - 60)).toBe(false)
})

it("gives every figure bytes of its own, the same ones again", () => {
  const few = all.filter((_, i) => i % 61 === 0)
  const drawn = few.map((figure) => Buffer.from(Drawing.png(figure)).toString("base64"))
  expect(new Set(drawn).size).toBe(few.length)
  expect(few.map((figure) => Buffer.from(Drawing.png(figure)).toString("base64"))).toEqual(drawn)
})

it("makes rows that the reader of geometry3k reads, whose gold accepts itself", async () => {
  const read = Geometry3k.fromRow()["geometry3k"]
  for (const figure of Geometry3k.figures({ side: "held-out", seed: "1", count: 12 }, space))
    for (const row of [Geometry3k.row(figure), Geometry3k.drawnRow(figure)]) {
      const problem = read(row, "one")
      if (problem._tag === "Failure") throw problem.failure
      expect(await Effect.runPromise(Geometry3k.validate(problem.success))).toBe(null)
      const [message] = problem.success.prompt
      const parts = typeof message === "string" ? [] : message.content
      expect(typeof parts === "string" ? [] : parts.map(({ type }) => type)).toEqual(
        row.images.length === 0 ? ["text", "text"] : ["image", "text", "text"],
      )
    }
})
