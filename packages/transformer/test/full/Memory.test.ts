import { it } from "vitest"
import * as Leaks from "../leaks.ts"

it("2,000 steps of sampling and learning leave tensors, heap and handles as they were", () => Leaks.leavesNothing(2000))
