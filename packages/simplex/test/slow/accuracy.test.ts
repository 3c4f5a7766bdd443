import { it } from "vitest"
import { checkAccuracy } from "../accuracy.ts"

it("values and coefficients agree with 45 decimal digits for K up to 64, from nearly equal to 20 nats apart", () =>
  checkAccuracy(6, [1e-4, 0.1, 1, 10]))
