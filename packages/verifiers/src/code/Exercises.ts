/**
 * Small functions on lists of numbers, to be found from examples: a part of the list, something done with each number, and all of them
 * or the largest or smallest. All are tested on the same lists, so that a program can be told by what it does there.
 */
import { Seed } from "@lpo/rollout"

/** @category models */
export interface Exercise {
  readonly part: Part
  /** What is done with each number `n`. */
  readonly each: Each
  readonly fold: "all" | "max" | "min"
}

/** A part of the list `x`, as Python writes it. @category models */
export type Part = (typeof parts)[number]
/** In Python: `n + k`, `n * k`, `k - n`, `n % k`, `n // k`, `n * n`, or `n` as it is. @category models */
export type Each =
  | { readonly operator: "+" | "*" | "-" | "%" | "//"; readonly k: number }
  | { readonly operator: "square" | "same" }

/** All functions up to a size. @category models */
export interface Space {
  /** The largest `k` of `n + k`. */
  readonly maxTerm: number
  /** The largest `k` of `n * k`, from 2. */
  readonly maxFactor: number
  /** Problems of each function, which differ in their examples. */
  readonly variants: number
  /** Share of the functions that is held out, in [0, 1]. */
  readonly heldOutShare: number
}

/** @category models */
export const parts = [
  "x",
  "x[::-1]",
  "x[1:]",
  "x[:-1]",
  "x[::2]",
  "sorted(x)",
  "sorted(x)[::-1]",
  "sorted(x)[1:]",
  "sorted(x)[:-1]",
] as const

const take = (part: Part, x: ReadonlyArray<number>): ReadonlyArray<number> => {
  const base = part.startsWith("sorted") ? [...x].sort((a, b) => a - b) : [...x]
  if (part.endsWith("[::-1]")) return base.reverse()
  if (part.endsWith("[1:]")) return base.slice(1)
  if (part.endsWith("[:-1]")) return base.slice(0, -1)
  return part.endsWith("[::2]") ? base.filter((_, i) => i % 2 === 0) : base
}

const apply = (each: Each, n: number): number => {
  switch (each.operator) {
    case "same":
      return n
    case "square":
      return n * n
    case "+":
      return n + each.k
    case "*":
      return n * each.k
    case "-":
      return each.k - n
    case "%":
      return n % each.k
    case "//":
      return Math.floor(n / each.k)
  }
}

/** What the function makes of a list of at least two numbers. @category running */
export const run = ({ each, fold, part }: Exercise, x: ReadonlyArray<number>): number | ReadonlyArray<number> => {
  const all = take(part, x).map((n) => apply(each, n))
  return fold === "all" ? all : fold === "max" ? Math.max(...all) : Math.min(...all)
}

/** The lists of the tests: unlike those of the examples in length, and telling all the functions apart. @category running */
export const tests: ReadonlyArray<ReadonlyArray<number>> = [
  [4, 8, 7, 9, 5],
  [5, 0],
  [4, 3, 8],
  [7, 8],
  [2, 7],
  [1, 2, 7],
]

/** What the function does in the tests: the same for functions that are one. @category splitting */
export const key = (exercise: Exercise): string => tests.map((x) => JSON.stringify(run(exercise, x))).join(" ")

/** Which side of the split a function is on: a function of its key alone. @category splitting */
export const split = (exercise: Exercise, heldOutShare: number): "train" | "held-out" =>
  Seed.stream(`code/split/${key(exercise)}`).uniform() < heldOutShare ? "held-out" : "train"

/** What may be done with a number. @category generation */
export const steps = ({ maxFactor, maxTerm }: Space): ReadonlyArray<Each> => {
  const to = (operator: "+" | "*", low: number, high: number): Array<Each> =>
    Array.from({ length: high - low + 1 }, (_, i) => ({ operator, k: low + i }))
  return [
    { operator: "same" },
    ...to("+", 1, maxTerm),
    ...to("*", 2, maxFactor),
    { operator: "-", k: 9 },
    { operator: "-", k: 10 },
    { operator: "%", k: 2 },
    { operator: "%", k: 3 },
    { operator: "//", k: 2 },
    { operator: "square" },
  ]
}

/** @category generation */
export const folds = ["all", "max", "min"] as const

/** Every function of one side, one of each key, in a fixed order. @category generation */
export const enumerate = (space: Space, side: "train" | "held-out"): Array<Exercise> => {
  const found = new Map<string, Exercise>()
  for (const fold of folds)
    for (const each of steps(space))
      for (const part of parts) {
        const exercise = { part, each, fold }
        if (!found.has(key(exercise))) found.set(key(exercise), exercise)
      }
  return [...found.values()].filter((exercise) => split(exercise, space.heldOutShare) === side)
}

const written = (each: Each): string => {
  if (!("k" in each)) return each.operator === "same" ? "n" : "n * n"
  return each.operator === "-" ? `${each.k} - n` : `n ${each.operator} ${each.k}`
}

/** The function in Python, in words with spaces between them. @category generation */
export const source = ({ each, fold, part }: Exercise): string => {
  const list = part.replace(/(?<=.)\[/, " [")
  const all = each.operator === "same" ? list : `[ ${written(each)} for n in ${list} ]`
  return `def f(x): return ${fold === "all" ? all : `${fold}( ${all} )`}`
}

/** An example: four different digits, and what the function makes of them. @category generation */
export interface Example {
  readonly input: ReadonlyArray<number>
  readonly output: number | ReadonlyArray<number>
}

/** Two examples, from the stream of that name. @category generation */
export const examples = (exercise: Exercise, stream: string): ReadonlyArray<Example> =>
  [0, 1].map((i) => {
    const input = Seed.shuffle([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], `${stream}/${i}`).slice(0, 4)
    return { input, output: run(exercise, input) }
  })

/** The examples in words of a small vocabulary, each between spaces. @category prompts */
export const words = (given: ReadonlyArray<Example>): string =>
  `${given.map(({ input, output }) => `${input.join(" ")} -> ${[output].flat().join(" ")}`).join(" ; ")} :`

/** What is asked about the examples. @category prompts */
export const text = (given: ReadonlyArray<Example>): string => {
  const lines = given.map(({ input, output }) => `f(${JSON.stringify(input)}) = ${JSON.stringify(output)}`)
  return `Find the function f on lists of numbers with\n\n${lines.join("\n")}`
}
