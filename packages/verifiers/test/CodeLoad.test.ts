/** 200 mixed verifications, 5 % of them programs that hang, while sandbox processes are killed. At full size: `full/CodeLoad.test.ts`. */
import { it } from "@effect/vitest"
import * as CodeLoad from "./helpers/codeLoad.ts"

it.live.runIf(process.platform === "linux")(
  "accounts for every one of 200",
  () => CodeLoad.run({ count: 200, hanging: 0.05, programs: 0.1, seconds: 0.4, killEvery: 30 }),
  180_000,
)
