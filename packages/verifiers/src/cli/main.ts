/** The process of `lpo-verifiers`. */
import * as NodeRuntime from "@effect/platform-node-shared/NodeRuntime"
import { Cause, Exit, Runtime } from "effect"
import { Terminal } from "@lpo/rollout"
import * as Program from "./Program.ts"

// A pipe that nobody reads any more ends nothing: the server serves, and a check has a file of its own.
Terminal.watchOutput("lpo-verifiers", () => undefined)

NodeRuntime.runMain(Program.run(process.argv.slice(2)), {
  disableErrorReporting: true,
  // A server that is told to stop has done its work; a check that is stopped has not.
  teardown: (exit, onExit) =>
    Runtime.defaultTeardown(exit, (code) =>
      onExit(Program.isServing() && Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause) ? 0 : code),
    ),
})
