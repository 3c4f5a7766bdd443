/**
 * Figures of plane geometry, few enough to list: an angle or a length of each follows from what is given. Answers are integers, surds
 * and multiples of pi, as Geometry3k has them.
 *
 * @module
 */
import { Seed } from "@lpo/rollout"

/** Angles are in whole degrees, lengths whole numbers. @category models */
export type Figure =
  /** Two angles of a triangle; wanted is the third. */
  | { readonly kind: "triangle"; readonly angles: readonly [number, number] }
  /** Two angles of a triangle; wanted is the exterior angle at the third corner. */
  | { readonly kind: "exterior"; readonly angles: readonly [number, number] }
  /** The angle at the apex or at the base of an isosceles triangle; wanted is the other. */
  | { readonly kind: "isosceles"; readonly given: "apex" | "base"; readonly angle: number }
  /** An angle at a line that crosses two parallels; wanted is its alternate angle, or the one on the same side between them. */
  | { readonly kind: "parallels"; readonly wanted: "alternate" | "same-side"; readonly angle: number }
  /** The legs of a right triangle, or its hypotenuse and a leg; wanted is the third side. */
  | { readonly kind: "right"; readonly given: "legs" | "hypotenuse"; readonly sides: readonly [number, number] }
  /** Two sides of a rectangle; wanted is its perimeter. */
  | { readonly kind: "rectangle"; readonly sides: readonly [number, number] }
  | {
      readonly kind: "circle"
      readonly given: "radius" | "diameter"
      readonly wanted: "circumference" | "area"
      readonly length: number
    }

/** All figures up to a size. @category models */
export interface Space {
  /** Angles of triangles with two given are multiples of this, in degrees; others of 2. */
  readonly angleStep: number
  /** Sides and radii are whole numbers up to this. */
  readonly maxLength: number
  /** Share of the figures that is held out, in [0, 1]. */
  readonly heldOutShare: number
}

/** `factor` times the root of `root`, times pi where `pi` is 1. @category answers */
export interface Value {
  readonly factor: number
  readonly root: number
  readonly pi: 0 | 1
}

const plain = (factor: number): Value => ({ factor, root: 1, pi: 0 })

/** The answer as its method gives it: a root is not simplified. @category answers */
export const value = (figure: Figure): Value => {
  switch (figure.kind) {
    case "triangle":
      return plain(180 - figure.angles[0] - figure.angles[1])
    case "exterior":
      return plain(figure.angles[0] + figure.angles[1])
    case "isosceles":
      return plain(figure.given === "apex" ? (180 - figure.angle) / 2 : 180 - 2 * figure.angle)
    case "parallels":
      return plain(figure.wanted === "alternate" ? figure.angle : 180 - figure.angle)
    case "right": {
      const [a, b] = figure.sides
      return { factor: 1, root: figure.given === "legs" ? a * a + b * b : a * a - b * b, pi: 0 }
    }
    case "rectangle": {
      const [a, b] = figure.sides
      return plain(2 * (a + b))
    }
    case "circle": {
      const radius = figure.given === "radius" ? figure.length : figure.length / 2
      return { factor: figure.wanted === "area" ? radius * radius : 2 * radius, root: 1, pi: 1 }
    }
  }
}

/** With as much as possible in front of the root. @category answers */
export const simplify = ({ factor, pi, root }: Value): Value => {
  let [outside, inside] = [factor, root]
  for (let n = Math.floor(Math.sqrt(inside)); n > 1; n--)
    while (inside % (n * n) === 0) {
      inside /= n * n
      outside *= n
    }
  return { factor: outside, root: inside, pi }
}

/** In LaTeX as it stands; a factor or root of 1 is left out. @category answers */
export const latex = ({ factor, pi, root }: Value): string => {
  const rest = `${root === 1 ? "" : `\\sqrt{${root}}`}${pi === 1 ? "\\pi" : ""}`
  return `${factor === 1 && rest !== "" ? "" : factor}${rest}`
}

/** The same for figures that are one: angles and sides in the other order, a circle by its radius or diameter. @category splitting */
export const key = (figure: Figure): string => {
  const sorted = (pair: readonly [number, number]): string => [...pair].sort((a, b) => a - b).join("-")
  switch (figure.kind) {
    case "triangle":
    case "exterior":
      return `${figure.kind}-${sorted(figure.angles)}`
    case "isosceles":
      return `isosceles-${figure.given}-${figure.angle}`
    case "parallels":
      return `parallels-${figure.wanted}-${figure.angle}`
    case "right":
      return `right-${figure.given}-${sorted(figure.sides)}`
    case "rectangle":
      return `rectangle-${sorted(figure.sides)}`
    case "circle":
      return `circle-${figure.wanted}-${figure.given === "radius" ? 2 * figure.length : figure.length}`
  }
}

/** Which side of the split a figure is on: a function of its key alone. @category splitting */
export const split = (figure: Figure, heldOutShare: number): "train" | "held-out" =>
  Seed.stream(`geometry/split/${key(figure)}`).uniform() < heldOutShare ? "held-out" : "train"

const [smallestAngle, largestAngle] = [10, 170]

function* all({ angleStep, maxLength }: Space): Generator<Figure> {
  for (let a = Math.ceil(smallestAngle / angleStep) * angleStep; a <= largestAngle; a += angleStep)
    for (let b = a; a + b <= largestAngle; b += angleStep)
      for (const kind of ["triangle", "exterior"] as const) yield { kind, angles: [a, b] }
  for (let angle = smallestAngle; angle <= largestAngle; angle += 2) {
    yield { kind: "isosceles", given: "apex", angle }
    if (angle < 90) yield { kind: "isosceles", given: "base", angle }
    for (const wanted of ["alternate", "same-side"] as const) yield { kind: "parallels", wanted, angle }
  }
  for (let a = 1; a <= maxLength; a++)
    for (let b = a; b <= maxLength; b++) {
      yield { kind: "right", given: "legs", sides: [a, b] }
      if (a < b) yield { kind: "right", given: "hypotenuse", sides: [b, a] }
      yield { kind: "rectangle", sides: [a, b] }
    }
  for (const wanted of ["circumference", "area"] as const)
    for (let radius = 1; radius <= maxLength; radius++) {
      yield { kind: "circle", given: "radius", wanted, length: radius }
      yield { kind: "circle", given: "diameter", wanted, length: 2 * radius }
    }
}

/** Every figure of one side, in a fixed order. @category generation */
export const enumerate = (space: Space, side: "train" | "held-out"): Array<Figure> =>
  [...all(space)].filter((figure) => split(figure, space.heldOutShare) === side)

/** The figure in words of a small vocabulary, each between spaces. @category prompts */
export const words = (figure: Figure): string => {
  switch (figure.kind) {
    case "triangle":
    case "exterior":
      return `${figure.kind} angles ${figure.angles.join(" , ")} :`
    case "isosceles":
      return `isosceles ${figure.given} ${figure.angle} :`
    case "parallels":
      return `parallels ${figure.wanted === "alternate" ? "alternate" : "inside"} ${figure.angle} :`
    case "right":
      return `right ${figure.given} ${figure.sides.join(" , ")} :`
    case "rectangle":
      return `rectangle ${figure.sides.join(" , ")} :`
    case "circle":
      return `circle ${figure.wanted} ${figure.given} ${figure.length} :`
  }
}

/** The figure as one would describe it without a drawing. @category prompts */
export const text = (figure: Figure): string => {
  const degrees = (angle: number): string => `$${angle}^\\circ$`
  switch (figure.kind) {
    case "triangle":
    case "exterior": {
      const wanted = figure.kind === "triangle" ? "angle $C$" : "the exterior angle at $C$"
      return `In triangle $ABC$, angle $A$ is ${degrees(figure.angles[0])} and angle $B$ is ${degrees(figure.angles[1])}. Find ${wanted} in degrees.`
    }
    case "isosceles":
      return figure.given === "apex"
        ? `In triangle $ABC$, $CA = CB$ and angle $C$ is ${degrees(figure.angle)}. Find angle $A$ in degrees.`
        : `In triangle $ABC$, $CA = CB$ and angle $A$ is ${degrees(figure.angle)}. Find angle $C$ in degrees.`
    case "parallels": {
      const which =
        figure.wanted === "alternate" ? "its alternate interior angle" : "the other interior angle on its side"
      return `A line crosses two parallel lines; one of the interior angles is ${degrees(figure.angle)}. Find ${which} in degrees.`
    }
    case "right":
      return figure.given === "legs"
        ? `The legs of a right triangle are $${figure.sides[0]}$ and $${figure.sides[1]}$. Find the hypotenuse.`
        : `A right triangle has the hypotenuse $${figure.sides[0]}$ and a leg $${figure.sides[1]}$. Find the other leg.`
    case "rectangle":
      return `A rectangle has the sides $${figure.sides[0]}$ and $${figure.sides[1]}$. Find its perimeter.`
    case "circle":
      return `A circle has the ${figure.given} $${figure.length}$. Find its ${figure.wanted}.`
  }
}

/** What is asked of a drawing, which has the numbers; a length or an angle that is wanted is its x. @category prompts */
export const question = (figure: Figure): string => {
  if (figure.kind === "rectangle") return "Find the perimeter of the rectangle."
  if (figure.kind === "circle") return `Find the ${figure.wanted} of the circle.`
  return "Find x."
}
