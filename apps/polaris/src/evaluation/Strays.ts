/** Options of `polaris eval` that would have no effect beside the others: each is refused rather than ignored. */
import { UsageError } from "../Usage.ts"

/** Options by the place that they need: one of these must be given too. */
const needs = {
  n: ["model", "endpoint", "run"],
  temperature: ["model", "endpoint", "run"],
  "max-tokens": ["model", "endpoint", "run"],
  backend: ["model", "run"],
  workers: ["model", "run"],
  "served-name": ["endpoint"],
  style: ["endpoint"],
  task: ["data"],
  format: ["data"],
  verifier: ["data"],
} as const

/** Options that a benchmark decides itself. */
const ofBenchmarks = ["task", "format", "verifier"] as const

type Name = "benchmark" | keyof typeof needs | (typeof needs)[keyof typeof needs][number]

const list = (names: ReadonlyArray<string>): string => names.map((name) => `--${name}`).join(", ")

/** The first option that would have no effect, as an error; null if there is none. `given`: null where an option is not. */
export const stray = (given: Readonly<Record<Name, unknown>>): UsageError | null => {
  if (given.benchmark !== null)
    for (const name of ofBenchmarks)
      if (given[name] !== null)
        return new UsageError({ reason: `--${name} is given, but a benchmark has its own; omit one of the two` })
  for (const [name, places] of Object.entries(needs) as ReadonlyArray<[keyof typeof needs, ReadonlyArray<Name>]>)
    if (given[name] !== null && places.every((place) => given[place] === null))
      return new UsageError({
        reason: `--${name} is given, but has no effect without ${places.length > 1 ? "one of " : ""}${list(places)}; omit it`,
      })
  return null
}
