/** The command line of polaris. */
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Effect, Layer } from "effect"
import { Command } from "effect/cli"
import * as About from "./About.ts"
import { commands } from "./commands/index.ts"
import * as Explain from "./Explain.ts"

const polaris = Command.make("polaris").pipe(
  Command.withDescription("Reinforcement learning with verifiable rewards, by Listwise Policy Optimization"),
  Command.withSubcommands(commands),
)

Explain.closedPipe()
Explain.hangUp()

About.version.pipe(
  Effect.flatMap((version) => Command.run(polaris, { version: version ?? "unknown" })),
  Effect.tapCause(Explain.explain),
  Effect.provide(Layer.mergeAll(NodeServices.layer, Explain.presenter)),
  NodeRuntime.runMain({ disableErrorReporting: true }),
)
