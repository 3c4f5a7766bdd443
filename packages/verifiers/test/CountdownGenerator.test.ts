import { Countdown } from "@lpo/verifiers"
import fc from "fast-check"
import { expect, it } from "vitest"
import { times } from "./helpers/size.ts"

const small = fc.array(fc.integer({ min: 1, max: 13 }), { minLength: 2, maxLength: 4 })

/** All texts worth `target` under the rule, by brute force over ordered pairs, one per choice of operands. */
const brute = (nums: ReadonlyArray<number>, target: number): Set<string> => {
  type Term = readonly [number, string]
  const out = new Set<string>()
  const visit = (terms: ReadonlyArray<Term>): void => {
    if (terms.length === 1) {
      if (terms[0][0] === target) out.add(terms[0][1])
      return
    }
    for (const [i, a] of terms.entries())
      for (const [j, b] of terms.entries()) {
        if (i === j || a[0] < b[0] || (a[0] === b[0] && a[1] < b[1])) continue
        const rest = terms.filter((_, n) => n !== i && n !== j)
        const put = (value: number, op: string) => visit([...rest, [value, `(${a[1]} ${op} ${b[1]})`]])
        put(a[0] + b[0], "+")
        put(a[0] * b[0], "*")
        put(a[0] - b[0], "-")
        if (b[0] > 0 && a[0] % b[0] === 0) put(a[0] / b[0], "/")
      }
  }
  visit(nums.map((n) => [n, String(n)]))
  return out
}

/** Operands of equal value in one order, so that texts compare. */
const ordered = (text: string): string => {
  let at = 0
  const read = (): readonly [number, string] => {
    if (text[at] !== "(") {
      const digits = /^\d+/.exec(text.slice(at))?.[0] ?? ""
      at += digits.length
      return [Number(digits), digits]
    }
    at++
    const a = read()
    const op = text[at + 1]
    at += 3
    const b = read()
    at++
    const [p, q] = a[0] === b[0] && a[1] < b[1] ? [b, a] : [a, b]
    const value = op === "+" ? p[0] + q[0] : op === "-" ? p[0] - q[0] : op === "*" ? p[0] * q[0] : p[0] / q[0]
    return [value, `(${p[1]} ${op} ${q[1]})`]
  }
  return read()[1]
}

it("finds a solution exactly when there is one", () => {
  fc.assert(
    fc.property(small, fc.integer({ min: 1, max: 120 }), (nums, target) => {
      const reached = brute(nums, target).size > 0
      expect(Countdown.solvable(nums, target)).toBe(reached)
      expect(Countdown.solutions(nums, target, 1)).toHaveLength(reached ? 1 : 0)
    }),
    { numRuns: times(200, 500) },
  )
})

it("lists every solution of the rule, once", () => {
  fc.assert(
    fc.property(small, fc.integer({ min: 1, max: 40 }), (nums, target) => {
      const listed = Countdown.solutions(nums, target).map((s) => ordered(`(${s})`))
      expect(new Set(listed)).toEqual(new Set([...brute(nums, target)].map(ordered)))
    }),
    { numRuns: times(100, 200) },
  )
})

it.each(["countdown-34", "countdown-4", "countdown-6"] as const)(
  "%s: solvable, in range, seeded, disjoint",
  (recipe) => {
    const { nums, sizes, target } = Countdown.recipes[recipe]
    // A search through six numbers takes ten times as long as one through four.
    const count = recipe === "countdown-6" ? times(24, 60) : times(120, 300)
    const key = (p: Countdown.Generated) => [...p.nums].sort((a, b) => a - b).join(",")
    const train = Countdown.problems({ recipe, count, side: "train", seed: "a", heldOutShare: 0.5 })
    const heldOut = Countdown.problems({ recipe, count, side: "held-out", seed: "b", heldOutShare: 0.5 })
    for (const problem of [...train, ...heldOut]) {
      expect(sizes).toContain(problem.nums.length)
      for (const n of problem.nums) expect(n >= nums[0] && n <= nums[1]).toBe(true)
      expect(problem.target >= target[0] && problem.target <= target[1]).toBe(true)
      const [solution] = Countdown.solutions(problem.nums, problem.target, 1)
      for (const mode of ["strict", "reference:lab", "reference:reasoning-gym"] as const)
        expect(Countdown.graders()[mode].grade(problem, `<answer>${solution}</answer>`).score, solution).toBe(1)
    }
    const both = new Set(train.map(key))
    for (const problem of heldOut) expect(both.has(key(problem))).toBe(false)
    expect(new Set(train.map((p) => `${key(p)}=${p.target}`)).size).toBe(count)
    expect(Countdown.problems({ recipe, count: 20, side: "train", seed: "a", heldOutShare: 0.5 })).toEqual(
      train.slice(0, 20),
    )
  },
)

it("makes as many problems as it is asked for", () => {
  const count = times(1000, 3000)
  expect(Countdown.problems({ recipe: "countdown-34", count, side: "train", seed: "s" })).toHaveLength(count)
})

it("says which range cannot be", () => {
  const make = (recipe: Countdown.Recipe) => () => Countdown.problems({ recipe, count: 1, side: "train", seed: "s" })
  expect(make({ sizes: [7], nums: [1, 9], target: [1, 9] })).toThrow("sizes 2 to 6")
  expect(make({ sizes: [2], nums: [0, 9], target: [1, 9] })).toThrow("numbers within 1..1000")
  expect(make({ sizes: [2], nums: [1, 2], target: [900, 999] })).toThrow("only 0 of 1 problems")
})
