/** A dataset of the shape of Polaris-53K: rows `{ problem, answer, difficulty }`, as many, as long, from a seed. */
import { closeSync, openSync, writeSync } from "node:fs"
import { Seed } from "@lpo/rollout"

export const length = 53_291
/** Bytes of text, of problems and their JSON. */
export const bytes = 28e6

/** Lengths of the problems of MATH's training half at these shares of them, bytes; scaled to the mean of Polaris's. */
const shares = [0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1]
const lengths = [16, 45, 56, 79, 101, 123, 148, 178, 221, 282, 420, 581, 1100, 4309]
const meanLength = 210
const overhead = 95

const words =
  "Let the number of ways that a set of points on a circle can be joined by chords such that no two of them meet be denoted by $a_n$ with integers $x \\ge 0$ and \\frac{p}{q} find all positive real solutions to".split(
    " ",
  )

/** A length from the distribution, by linear interpolation. */
const draw = (u: number): number => {
  const i = Math.max(
    1,
    shares.findIndex((share) => share >= u),
  )
  const part = (u - shares[i - 1]) / (shares[i] - shares[i - 1])
  return lengths[i - 1] + part * (lengths[i] - lengths[i - 1])
}

/** An answer: mostly whole numbers, some fractions and roots. */
const answer = (random: Seed.Random): string => {
  const [a, b] = [random.int(1, 999), random.int(2, 30)]
  const kind = random.uniform()
  return kind < 0.7 ? `${a}` : kind < 0.85 ? `\\frac{${a}}{${b}}` : kind < 0.95 ? `${b}\\sqrt{${a}}` : `(${a}, ${b})`
}

/** Writes the rows; `gold` draws their answers. */
export const write = (path: string, gold: (random: Seed.Random) => string = answer): void => {
  const scale = (bytes / length - overhead) / meanLength
  const file = openSync(path, "w")
  for (let i = 0; i < length; i++) {
    const random = Seed.stream(`scale/row/${i}`)
    const size = scale * draw(random.uniform())
    let problem = `Problem ${i + 1}.`
    while (problem.length < size) problem += ` ${words[random.int(0, words.length - 1)]}`
    writeSync(file, `${JSON.stringify({ problem, answer: gold(random), difficulty: `${random.int(0, 8)}/8` })}\n`)
  }
  closeSync(file)
}
