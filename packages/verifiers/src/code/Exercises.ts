/**
 * Small Python functions, to be found from examples. Each does the same with every element of a list `xs`, and has one constant: `x * 2 + 7`
 * or `max ( x , 5 )` for numbers, a part of the element with a letter or number before or after it for strings and lists
 * (`s [::-1] + "d"`, `[ 4 ] + sorted ( x )`). A program is judged by one call, on elements that the examples do not have.
 *
 * @module
 */
import { Seed } from "@lpo/rollout"

/** @category models */
export type Exercise =
  | { readonly kind: "number"; readonly shape: string; readonly constant: number }
  /** A part of the element, by its text in Python, and what stands before or after it: a letter, or a digit. */
  | {
      readonly kind: "string" | "list"
      readonly part: string
      readonly constant: string | number
      readonly side: "before" | "after"
    }

/** All functions up to a size. @category models */
export interface Space {
  /** The largest number added to something, from 1. */
  readonly maxTerm: number
  /** Problems of each function, which differ in their examples. */
  readonly variants: number
  /** Share of the functions that is held out, in [0, 1]. */
  readonly heldOutShare: number
}

interface Shape {
  readonly run: (x: number, a: number) => number
  /** The expression in words, in each of the ways that are equal. */
  readonly written: (a: number) => ReadonlyArray<string>
  /** The constants, where they are not those of terms. */
  readonly range?: readonly [low: number, high: number]
}

const sum = (term: string) => (a: number) => [`${term} + ${a}`, `${a} + ${term}`]
/** What is done with a number `x`, with the constant `a`. @category models */
export const shapes: Readonly<Record<string, Shape>> = {
  "x + a": { run: (x, a) => x + a, written: sum("x") },
  "x * 2 + a": { run: (x, a) => x * 2 + a, written: sum("x * 2") },
  "x * 3 + a": { run: (x, a) => x * 3 + a, written: sum("x * 3") },
  "x * x + a": { run: (x, a) => x * x + a, written: sum("x * x") },
  "a - x": { run: (x, a) => a - x, written: (a) => [`${a} - x`] },
  "x * a": { run: (x, a) => x * a, written: (a) => [`x * ${a}`, `${a} * x`], range: [2, 9] },
  "max(x, a)": {
    run: Math.max,
    written: (a) => [`max ( x , ${a} )`, `max ( ${a} , x )`],
    range: [2, 8],
  },
  "min(x, a)": {
    run: Math.min,
    written: (a) => [`min ( x , ${a} )`, `min ( ${a} , x )`],
    range: [2, 8],
  },
}

type Letters = ReadonlyArray<string>
/** Parts of a string `s` in Python, in words. @category models */
export const strings: Readonly<Record<string, (s: Letters) => Letters>> = {
  s: (s) => s,
  "s [::-1]": (s) => s.toReversed(),
  "s [1:]": (s) => s.slice(1),
  "s [:-1]": (s) => s.slice(0, -1),
  "s [0]": (s) => s.slice(0, 1),
  "s [-1]": (s) => s.slice(-1),
  "s [::2]": (s) => s.filter((_, i) => i % 2 === 0),
  "s .upper()": (s) => s.map((letter) => letter.toUpperCase()),
}

type Numbers = ReadonlyArray<number>
const ascending = (x: Numbers): Array<number> => x.toSorted((a, b) => a - b)
/** Parts of a list `x` of numbers. @category models */
export const lists: Readonly<Record<string, (x: Numbers) => Numbers>> = {
  x: (x) => x,
  "x [::-1]": (x) => x.toReversed(),
  "x [1:]": (x) => x.slice(1),
  "x [:-1]": (x) => x.slice(0, -1),
  "x [:1]": (x) => x.slice(0, 1),
  "x [-1:]": (x) => x.slice(-1),
  "sorted ( x )": ascending,
  "[ max ( x ) ]": (x) => [Math.max(...x)],
}

/** A number, a string or a list of numbers. @category models */
export type Value = number | string | Numbers

const joined = <A>(part: ReadonlyArray<A>, constant: A, side: "before" | "after"): Array<A> =>
  side === "before" ? [constant, ...part] : [...part, constant]

/** What the function makes of an element of its kind; strings and lists have two at least. @category running */
export const run = (exercise: Exercise, value: Value): Value => {
  if (exercise.kind === "number") return shapes[exercise.shape].run(value as number, exercise.constant)
  const { constant, part, side } = exercise
  return exercise.kind === "string"
    ? joined(strings[part]([...(value as string)]), String(constant), side).join("")
    : joined(lists[part](value as Numbers), Number(constant), side)
}

/** The elements that a program is judged on. @category running */
export const tests: Readonly<Record<Exercise["kind"], ReadonlyArray<Value>>> = {
  number: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 20],
  string: ["xy", "abc", "hello", "Python"],
  list: [
    [4, 8, 7, 9, 5],
    [5, 0],
    [4, 3, 8],
    [7, 8],
    [1, 2, 7],
  ],
}

/** What the function does in the tests: the same for functions that are one. @category splitting */
export const key = (exercise: Exercise): string =>
  `${exercise.kind} ${tests[exercise.kind].map((value) => JSON.stringify(run(exercise, value))).join(" ")}`

/** Which side of the split a function is on: a function of its key alone. @category splitting */
export const split = (exercise: Exercise, heldOutShare: number): "train" | "held-out" =>
  Seed.stream(`code/split/${key(exercise)}`).uniform() < heldOutShare ? "held-out" : "train"

const range = (low: number, high: number): Array<number> => Array.from({ length: high - low + 1 }, (_, i) => low + i)
const letters = [..."abcdefghij"]
const digits = range(0, 9)
/** The first example of strings and of lists; constants are others, so that they stand out. */
const firstString = "abc"
const firstList: ReadonlyArray<number> = [2, 7, 5]

/** The constants of strings and of lists. @category models */
export const constants: Readonly<Record<"string" | "list", ReadonlyArray<string | number>>> = {
  string: letters.filter((letter) => !firstString.includes(letter)),
  list: digits.filter((digit) => !firstList.includes(digit)),
}

/** Every way to put a function. */
const all = ({ maxTerm }: Space): Array<Exercise> => [
  ...Object.entries(shapes).flatMap(([shape, { range: own }]) =>
    range(own?.[0] ?? 1, own?.[1] ?? maxTerm).map((constant): Exercise => ({ kind: "number", shape, constant })),
  ),
  ...(["string", "list"] as const).flatMap((kind) =>
    Object.keys(kind === "string" ? strings : lists).flatMap((part) =>
      constants[kind].flatMap((constant) =>
        (["before", "after"] as const).map((side): Exercise => ({ kind, part, constant, side })),
      ),
    ),
  ),
]

/** Every function of one side, one of each key, in a fixed order. @category generation */
export const enumerate = (space: Space, side: "train" | "held-out"): Array<Exercise> => {
  const found = new Map<string, Exercise>()
  for (const exercise of all(space)) if (!found.has(key(exercise))) found.set(key(exercise), exercise)
  return [...found.values()].filter((exercise) => split(exercise, space.heldOutShare) === side)
}

/** What is done with an element, in Python in words with spaces between them, in each of the ways that are equal. @category generation */
export const expressions = (exercise: Exercise): ReadonlyArray<string> => {
  if (exercise.kind === "number") return shapes[exercise.shape].written(exercise.constant)
  const { constant, kind, part, side } = exercise
  return [joined([part], kind === "string" ? `"${constant}"` : `[ ${constant} ]`, side).join(" + ")]
}

/** The function around an expression. @category generation */
export const source = (kind: Exercise["kind"], expression: string): string =>
  `def f(xs): return [ ${expression} for ${kind === "string" ? "s" : "x"} in xs ]`

/** An example: an element, and what the function makes of it. @category generation */
export interface Example {
  readonly input: Value
  readonly output: Value
}

/** Some of `items` in a random order, each once. */
const draw = <A>(items: ReadonlyArray<A>, count: number, random: Seed.Random): Array<A> => {
  const left = [...items]
  return Array.from({ length: count }, () => left.splice(random.int(0, left.length - 1), 1)[0])
}

/** Elements whose results show a function: 0, 1, 9 and another digit; `abc` and another string; 2, 7, 5 and another list of three. */
const shown: Readonly<Record<Exercise["kind"], (random: Seed.Random) => ReadonlyArray<Value>>> = {
  number: (random) => [0, 1, random.int(2, 8), 9],
  string: (random) => [firstString, draw(letters, 3, random).join("")],
  list: (random) => [firstList, draw(digits, 3, random)],
}

/** Examples from the stream of that name. @category generation */
export const examples = (exercise: Exercise, stream: string): ReadonlyArray<Example> =>
  shown[exercise.kind](Seed.stream(stream)).map((input) => ({ input, output: run(exercise, input) }))

const spaced = (value: Value): string =>
  typeof value === "number" ? String(value) : typeof value === "string" ? [...value].join(" ") : value.join(" ")

/** The examples in words of a small vocabulary, each between spaces. @category prompts */
export const words = (given: ReadonlyArray<Example>): string =>
  `${given.map(({ input, output }) => `${spaced(input)} -> ${spaced(output)}`).join(" ; ")} :`

/** What is asked about the examples. @category prompts */
export const text = (given: ReadonlyArray<Example>): string => {
  const [inputs, outputs] = (["input", "output"] as const).map((side) => JSON.stringify(given.map((one) => one[side])))
  return `Find the function f, which does the same with every element of a list, with\n\nf(${inputs}) = ${outputs}`
}
