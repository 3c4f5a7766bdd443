/** The command line of polaris, as an effect: what it says goes to the standard streams, and its exit says how it went. */
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

/** Runs a command line, without the name of the program. */
export const run = (args: ReadonlyArray<string>) =>
  About.version.pipe(
    Effect.flatMap((version) => Command.runWith(polaris, { version: version ?? "unknown" })(args)),
    Effect.tapCause(Explain.explain),
    Effect.provide(Layer.mergeAll(NodeServices.layer, Explain.presenter)),
  )
