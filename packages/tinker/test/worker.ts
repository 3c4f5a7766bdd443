/** A training run in a process of its own, to be killed: `worker.ts BASE_URL FOLDER`. */
import { Effect } from "effect"
import { ServerProfile } from "../src/index.ts"
import * as Loop from "./loop.ts"

const [baseUrl, folder] = process.argv.slice(2)
await Effect.runPromise(
  Loop.fast(Loop.train({ ...Loop.killable, folder }, Loop.server(baseUrl, ServerProfile.skyrlJax))),
)
