import fc from "fast-check"
import { expect, it } from "vitest"
import { narrow, widen } from "../src/files/Half.ts"

const wide = (type: "F16" | "BF16", half: number): number => {
  const out = new Float32Array(1)
  widen(type, Uint16Array.of(half), out)
  return out[0]
}
const round = (type: "F16" | "BF16", x: number): number => {
  const out = new Uint16Array(1)
  narrow(type, Float32Array.of(x), out)
  return out[0]
}

it("knows the values of the standard's table", () => {
  const table: ReadonlyArray<readonly ["F16" | "BF16", number, number]> = [
    ["F16", 0x3c00, 1],
    ["F16", 0xc000, -2],
    ["F16", 0x7bff, 65_504],
    ["F16", 0x0400, 2 ** -14],
    ["F16", 0x0001, 2 ** -24],
    ["F16", 0x3555, 0.333251953125],
    ["F16", 0x7c00, Infinity],
    ["F16", 0xfc00, -Infinity],
    ["BF16", 0x3f80, 1],
    ["BF16", 0xc049, -3.140625],
    ["BF16", 0x7f80, Infinity],
    ["BF16", 0x0001, 2 ** -133],
  ]
  for (const [type, half, value] of table) {
    expect(wide(type, half), `${type} ${half.toString(16)}`).toBe(value)
    expect(round(type, value), `${value}`).toBe(half)
  }
  expect(Object.is(wide("F16", 0x8000), -0)).toBe(true)
  expect(round("F16", -0)).toBe(0x8000)
  for (const type of ["F16", "BF16"] as const) expect(wide(type, round(type, Number.NaN))).toBeNaN()
})

it("every 16-bit number widens and rounds back to itself", () => {
  for (const type of ["F16", "BF16"] as const) {
    for (let half = 0; half < 65_536; half++) {
      const value = wide(type, half)
      if (!Number.isNaN(value) && round(type, value) !== half) expect(round(type, value), `${type} ${half}`).toBe(half)
    }
  }
})

it("rounds to the nearest, and half-way to the even one", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("F16" as const, "BF16" as const),
      fc.integer({ min: 0, max: 0x7bfe }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (type, half, share) => {
        const [low, high] = [wide(type, half), wide(type, half + 1)]
        const x = Math.fround(low + share * (high - low))
        const got = round(type, x)
        const middle = (low + high) / 2
        const even = half % 2 === 0 ? half : half + 1
        expect(got).toBe(x < middle ? half : x > middle ? half + 1 : even)
      },
    ),
    { numRuns: 2000 },
  )
})
