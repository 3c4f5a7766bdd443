/** The command line of polaris, as an effect: it prints to the standard streams, and its exit tells how it went. */
import * as NodeChildProcessSpawner from "@effect/platform-node-shared/NodeChildProcessSpawner"
import * as NodeFileSystem from "@effect/platform-node-shared/NodeFileSystem"
import * as NodePath from "@effect/platform-node-shared/NodePath"
import * as NodeStdio from "@effect/platform-node-shared/NodeStdio"
import * as NodeTerminal from "@effect/platform-node-shared/NodeTerminal"
import * as CommandLine from "@lpo/rollout/CommandLine"
import { Effect, Layer } from "effect"
import { Command } from "effect/cli"
import * as About from "./About.ts"
import { commands } from "./commands/index.ts"
import * as Explain from "./Explain.ts"

/** The services that the command line needs from the platform. The package that bundles them comes with a database client. */
const services = Layer.provideMerge(
  NodeChildProcessSpawner.layer,
  Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeStdio.layer, NodeTerminal.layer),
)

const polaris = Command.make("polaris").pipe(
  Command.withDescription("Reinforcement learning with verifiable rewards, by Listwise Policy Optimization"),
  Command.withSubcommands(commands),
)

/** Runs a command line, without the name of the program. */
export const run = (args: ReadonlyArray<string>) =>
  About.version.pipe(
    Effect.flatMap((version) => Command.runWith(polaris, { version: version ?? "unknown" })(args)),
    Effect.tapCause(Explain.explain),
    Effect.provide(Layer.mergeAll(services, CommandLine.layer("polaris"))),
  )
