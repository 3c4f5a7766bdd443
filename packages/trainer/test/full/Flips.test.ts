import { it } from "vitest"
import * as Flips from "../flips.ts"

it("every changed byte of a manifest or a configuration is found out", () => Flips.areFound(1))
