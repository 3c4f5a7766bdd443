/** The process of polaris. */
import * as NodeRuntime from "@effect/platform-node-shared/NodeRuntime"
import * as Explain from "./Explain.ts"
import * as Program from "./Program.ts"

Explain.closedPipe()
Explain.hangUp()
Explain.secondSignal()

NodeRuntime.runMain(Program.run(process.argv.slice(2)), { disableErrorReporting: true })
