import { Divergence, Projection, Schedule, Target } from "@lpo/simplex"
import fc from "fast-check"
import { expect, it } from "vitest"
import { allClose, close, finite, RUNS } from "./support.ts"

it("linear and cosine run from one value to the other, monotonically, and hold beyond their ends", () =>
  fc.assert(
    fc.property(
      finite(10),
      finite(10),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (from, to, x, y) => {
        for (const schedule of [Schedule.linear(from, to), Schedule.cosine(from, to)]) {
          close(schedule(0), from, 1e-14)
          close(schedule(1), to, 1e-14)
          close(schedule(-1), from, 1e-14)
          close(schedule(2), to, 1e-14)
          const [a, b] = [schedule(Math.min(x, y)), schedule(Math.max(x, y))]
          if (to >= from ? b < a - 1e-12 : b > a + 1e-12) throw new Error(`${a} then ${b}`)
        }
      },
    ),
    RUNS,
  ))

it("cosine is halfway halfway, and level at its ends", () => {
  close(Schedule.cosine(2, 4)(0.5), 3, 1e-15)
  expect(Schedule.cosine(0, 1)(0.01)).toBeLessThan(0.0003)
})

it("pieces follow each other, each from its own 0 to 1", () => {
  const schedule = Schedule.piecewise([
    [0, Schedule.constant(5)],
    [0.5, Schedule.linear(5, 1)],
  ])
  expect([0, 0.49, 0.5, 0.75, 1].map(schedule)).toEqual([5, 5, 5, 3, 1])
})

it("a blend moves from one divergence to the other with its weight", () => {
  const schedule = Schedule.blend(Divergence.forwardKl, Divergence.reverseKl, Schedule.linear(0, 1))
  const logW = Target.logGibbs([1, 0, 0.3], 0.5)
  const at = (d: Divergence.Divergence) => Projection.coefficients(d, [0.1, 0.4, 0], logW)
  expect(schedule(0)).toBe(Divergence.forwardKl)
  expect(schedule(1)).toBe(Divergence.reverseKl)
  const [f, r] = [at(Divergence.forwardKl), at(Divergence.reverseKl)]
  allClose(
    at(schedule(0.25)),
    f.map((v, k) => 0.75 * v + 0.25 * r[k]),
    1e-16,
  )
})

it("a switch follows its measurement, and does not flutter between its levels", () =>
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0, max: 1 })), (entropies) => {
      const { next, value } = Schedule.hysteresis({ fallAt: 0.3, riseAt: 0.6, low: "explore", high: "exploit" })
      let side: Schedule.Side = "high"
      for (const entropy of entropies) {
        const before: Schedule.Side = side
        side = next(side, entropy)
        if (entropy <= 0.3 && side !== "low") throw new Error("did not fall")
        if (entropy >= 0.6 && side !== "high") throw new Error("did not rise")
        if (!(entropy <= 0.3 || entropy >= 0.6) && side !== before) throw new Error("fluttered")
      }
      expect(value(side)).toBe(side === "low" ? "explore" : "exploit")
    }),
    RUNS,
  ))

it("names the value and the rule of bad input", () => {
  expect(() => Schedule.linear(0, NaN)).toThrow(/to is NaN; it must be finite/)
  expect(() => Schedule.linear(0, 1)(NaN)).toThrow(/progress is NaN/)
  expect(() => Schedule.piecewise([])).toThrow(/needs a piece that starts at 0/)
  expect(() => Schedule.piecewise([[0.1, Schedule.constant(1)]])).toThrow(
    /start\[0\] is 0\.1; the first start is 0, and they rise/,
  )
  expect(() => Schedule.hysteresis({ fallAt: 1, riseAt: 0, low: 0, high: 1 })).toThrow(
    /fallAt is 1; it must not be above riseAt/,
  )
})
