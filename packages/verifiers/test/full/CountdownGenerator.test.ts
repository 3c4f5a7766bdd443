import { Countdown } from "@lpo/verifiers"
import { expect, it } from "vitest"

it.each(["countdown-34", "countdown-4"] as const)("makes 10,000 problems of %s", (recipe) => {
  expect(Countdown.problems({ recipe, count: 10_000, side: "train", seed: "s" })).toHaveLength(10_000)
})
