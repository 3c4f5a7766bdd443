/** Paired tests have their nominal size; at full size: `full/Statistics.test.ts`. */
import { it } from "vitest"
import { nominalSize } from "../statistics.ts"

it("a paired comparison has its nominal size where the two are alike, and finds a difference where there is one", () =>
  nominalSize(200, 200))
