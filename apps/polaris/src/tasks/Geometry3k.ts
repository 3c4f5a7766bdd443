/** Geometry3k as this program trains it: chats with images of a dataset, or figures of a tiny preset in words, with their mistakes. */
import type { Seed } from "@lpo/rollout"
import { Geometry3k } from "@lpo/verifiers"
import { Schema } from "effect"
import { pick, type Teacher, tiny } from "./Demonstrations.ts"
import type { Reads } from "./Domain.ts"
import * as Rows from "./Rows.ts"

const { Figures } = Geometry3k

/** Figures up to a size, as `Figures.Space` describes. */
const Parameters = Schema.Struct({
  angleStep: Schema.Int,
  maxLength: Schema.Int,
  /** Share of the figures that is held out. */
  heldOutShare: Schema.Finite,
})

/** An answer in words; as it stands. */
const written = ({ factor, pi, root }: Geometry3k.Figures.Value): string => {
  const parts = [...(root === 1 ? [] : [`\\sqrt{ ${root} }`]), ...(pi === 1 ? ["\\pi"] : [])]
  return [...(factor === 1 && parts.length > 0 ? [] : [String(factor)]), ...parts].join(" ")
}

const box = (text: string): string => `\\boxed{ ${text} }`
const think = (steps: string, answer: string): string => `<think> ${steps} </think> ${box(answer)}`
const root = (of: number | string): string => `\\sqrt{ ${of} }`

/** The right method: its steps, then the answer; a root as it stands, simplified or of the sum, which are equal. */
const right = (figure: Geometry3k.Figures.Figure, random: Seed.Random): string => {
  const value = Figures.value(figure)
  const answer = written(value)
  switch (figure.kind) {
    case "triangle":
    case "exterior": {
      const [a, b] = figure.angles
      return think(`${a} + ${b} = ${a + b}`, answer)
    }
    case "isosceles": {
      const { angle, given } = figure
      return think(given === "apex" ? `180 - ${angle} = ${180 - angle}` : `2 \\cdot ${angle} = ${2 * angle}`, answer)
    }
    case "parallels":
      return figure.wanted === "alternate"
        ? box(answer)
        : think(`180 - ${figure.angle} = ${180 - figure.angle}`, answer)
    case "right": {
      const [a, b] = figure.sides
      const squares = `${a * a} ${figure.given === "legs" ? "+" : "-"} ${b * b}`
      const forms = [written(value), written(Figures.simplify(value)), root(squares)]
      return think(`${squares} = ${value.root}`, pick(forms, random))
    }
    case "rectangle": {
      const [a, b] = figure.sides
      return think(`${a} + ${b} = ${a + b}`, answer)
    }
    case "circle": {
      const radius = figure.given === "radius" ? figure.length : figure.length / 2
      return think(`r = ${radius}`, answer)
    }
  }
}

/** A usual mistake. */
const mistake = (figure: Geometry3k.Figures.Figure, random: Seed.Random): string => {
  switch (figure.kind) {
    // The sum of the angles for the third, or the third for the exterior one; or one that is given.
    case "triangle":
    case "exterior": {
      const [a, b] = figure.angles
      const other = figure.kind === "triangle" ? a + b : 180 - a - b
      return pick([think(`${a} + ${b} = ${a + b}`, String(other)), box(String(b))], random)
    }
    // Not halved, or not doubled; or the same angle again.
    case "isosceles":
      return pick(
        [think(`180 - ${figure.angle} = ${180 - figure.angle}`, String(180 - figure.angle)), box(String(figure.angle))],
        random,
      )
    case "parallels":
      return figure.wanted === "alternate"
        ? think(`180 - ${figure.angle} = ${180 - figure.angle}`, String(180 - figure.angle))
        : box(String(figure.angle))
    // The sides themselves instead of their squares, no root, or sum and difference confused.
    case "right": {
      const [a, b] = figure.sides
      const [sum, difference] = [a * a + b * b, Math.abs(a * a - b * b)]
      const legs = figure.given === "legs"
      return pick(
        [
          box(String(legs ? a + b : a - b)),
          think(`${a * a} ${legs ? "+" : "-"} ${b * b} = ${legs ? sum : difference}`, String(legs ? sum : difference)),
          think(`${a * a} ${legs ? "-" : "+"} ${b * b} = ${legs ? difference : sum}`, root(legs ? difference : sum)),
        ],
        random,
      )
    }
    // Two sides of four, or the area.
    case "rectangle": {
      const [a, b] = figure.sides
      return pick([think(`${a} + ${b} = ${a + b}`, String(a + b)), box(String(a * b))], random)
    }
    // Radius and diameter confused, or circumference and area; or pi left out.
    case "circle": {
      const { given, length, wanted } = figure
      const radius = given === "radius" ? length : length / 2
      const [around, inside] = [2 * radius, radius * radius]
      return think(
        `r = ${radius}`,
        pick(
          wanted === "area" ? [`${around} \\pi`, String(inside)] : [`${inside} \\pi`, String(around), `${radius} \\pi`],
          random,
        ),
      )
    }
  }
}

const teacher = (space: Geometry3k.Figures.Space): Teacher<Geometry3k.Figures.Figure> => ({
  exercises: Figures.enumerate(space, "train"),
  ask: Figures.words,
  right,
  other: mistake,
})

/** Every word of a prompt and of a demonstration; the largest number is the sum of two squares. */
const vocabulary = ({ maxLength }: Geometry3k.Figures.Space): ReadonlyArray<string> => [
  ...Array.from({ length: Math.max(180, 2 * maxLength ** 2) + 1 }, (_, n) => String(n)),
  ..."triangle exterior isosceles parallels right rectangle circle angles apex base alternate inside legs".split(" "),
  ..."hypotenuse area circumference radius diameter r".split(" "),
  ..."<think> </think> \\boxed{ \\sqrt{ } \\pi \\cdot + - = , :".split(" "),
]

/** Without parameters: problems of a dataset. */
const ofRows = Rows.make(Geometry3k.name, () => Geometry3k.task())

export const make = Rows.orGenerated(Geometry3k.name, ofRows, Parameters, (from) => {
  const options = (reads: Reads): Geometry3k.Options => ({ from, style: reads })
  return {
    name: Geometry3k.name,
    task: (reads) => Geometry3k.task(options(reads)),
    longest: (reads) => Geometry3k.askFigure({ kind: "exterior", angles: [100, 100] }, options(reads)),
    stopStrings: [],
    rows: (draw) => Geometry3k.figures(draw, from).map(Geometry3k.row),
    drawnRows: (draw) => Geometry3k.figures(draw, from).map(Geometry3k.drawnRow),
    tiny: tiny(vocabulary(from), () => teacher(from)),
  }
})
