/** The geometry of the interactive figure; `test/site` has the figure itself, in a real browser. */
import fc from "fast-check"
import { expect, it } from "vitest"
import { toDistribution, toPoint } from "../figures/simplex/geometry.ts"

it("maps distributions to points of the triangle and back", () => {
  const weight = fc.double({ min: 0.01, max: 1, noNaN: true })
  fc.assert(
    fc.property(weight, weight, weight, (a, b, c) => {
      const p = [a, b, c].map((v) => v / (a + b + c))
      for (const [k, v] of toDistribution(toPoint(p), 0).entries()) expect(v).toBeCloseTo(p[k], 12)
    }),
  )
})

it("keeps a point dragged outside the triangle inside it", () => {
  const coordinate = fc.double({ min: -3, max: 3, noNaN: true })
  fc.assert(
    fc.property(coordinate, coordinate, (x, y) => {
      const p = toDistribution({ x, y })
      expect(p.every((v) => v > 0)).toBe(true)
      expect(p.reduce((sum, v) => sum + v, 0)).toBeCloseTo(1, 12)
    }),
  )
})
