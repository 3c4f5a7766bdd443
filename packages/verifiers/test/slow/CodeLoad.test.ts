/** 40 mixed verifications, half of them programs that hang, over two processes, while sandbox processes are killed. At full size: `../full/CodeLoad.test.ts`. */
import { it } from "@effect/vitest"
import * as CodeLoad from "../helpers/codeLoad.ts"

it.live.runIf(process.platform === "linux")(
  "gives every good program its verdict while half of 40 hang",
  () => CodeLoad.run({ count: 40, hanging: 0.5, programs: 0.4, seconds: 0.1, killEvery: 15 }),
  180_000,
)
