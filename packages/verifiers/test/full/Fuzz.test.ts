import { it } from "vitest"
import { judgeCountdown, judgeGeometry3k } from "../helpers/fuzz.ts"

it("judges 200,000 random texts in every mode of Countdown", () => judgeCountdown(200_000))

it("judges 200,000 random texts in every mode of Geometry3k against random golds", () => judgeGeometry3k(200_000))
