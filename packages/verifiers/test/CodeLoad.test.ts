/** 100 mixed verifications, 6 % of them programs that hang, while sandbox processes are killed. At full size: `full/CodeLoad.test.ts`. */
import { it } from "@effect/vitest"
import * as CodeLoad from "./helpers/codeLoad.ts"

it.live.runIf(process.platform === "linux")(
  "accounts for every one of 100",
  () => CodeLoad.run({ count: 100, hanging: 0.06, programs: 0.1, seconds: 0.4, killEvery: 30 }),
  180_000,
)
