/** Values and coefficients of every divergence against many decimal digits; the quick and the full suite share it. */
import fc from "fast-check"
import { Projection, Target } from "@lpo/simplex"
import * as Reference from "./reference.ts"
import { close, divergences, finite, size, vector } from "./support.ts"

/** Groups of up to 64 whose log-ratios are within a reach, in nats. */
const group = (reaches: ReadonlyArray<number>) =>
  fc
    .record({ k: fc.integer({ min: 2, max: 64 }), reach: fc.constantFrom(...reaches) })
    .chain(({ k, reach }) => fc.record({ s: vector(k, reach), target: vector(k, reach), shift: finite(3) }))

export const checkAccuracy = (numRuns: number, reaches: ReadonlyArray<number>): void => {
  Reference.digits(Math.max(...reaches) > 10 ? 110 : 45)
  fc.assert(
    fc.property(group(reaches), fc.nat(), ({ s, shift, target }, pick) => {
      const logW = Target.logListwise(target)
      const [p, w] = [Reference.softmax(s), Reference.softmax(target)]
      const shifted = s.map((v) => v + shift)
      // Rounding the logits is an error of the input; it is what the widest spread costs in every formula.
      const spread = 1 + size(s) + size(target)
      // Three of them each run, in turn: the digits are slow, and the runs are many.
      for (let i = 0; i < 3; i++) {
        const divergence = divergences[(pick + i * 7) % divergences.length]
        const textbook = Reference.textbooks[divergence.name]
        const exact = Reference.number(textbook.value(p, w))
        const exactC = Reference.numbers(Reference.coefficients(textbook, p, w))
        if (!Number.isFinite(exact) || !exactC.every(Number.isFinite)) continue
        // D is quadratic near its zero, so that a relative error of u in log(P / w) is one of 2 u / |log(P / w)| in D.
        const tolerance = 1e-14 * spread * Math.max(1, 1 / Math.sqrt(Math.max(exact, 1e-30)))
        const value = Projection.value(divergence, shifted, logW)
        close(
          value,
          exact,
          tolerance * exact + (divergence.name === "total-variation" ? 1e-15 : 1e-30),
          divergence.name,
        )
        // On a kink of total variation any subgradient is right, and rounding decides on which side the digits see it.
        const kink = p.some((v, k) => v.div(w[k]).sub(1).abs().lt(1e-13))
        if (divergence.name === "total-variation" && kink) continue
        // c_k is the difference of P_k g_k and P_k sum_j P_j g_j: it cannot be more exact than these two are.
        const terms = Reference.numbers(textbook.gradient(p, w).map((g, k) => g.mul(p[k]).abs()))
        const mean = terms.reduce((sum, v) => sum + v, 0)
        const c = Projection.coefficients(divergence, shifted, logW)
        for (const [k, v] of exactC.entries()) {
          const scale = 1 + terms[k] + Reference.number(p[k]) * mean
          close(c[k], v, 1e-14 * spread * scale, `c[${k}] of ${divergence.name}`)
        }
      }
    }),
    { numRuns },
  )
}
