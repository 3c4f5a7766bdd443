/** The command line of polaris. */
import { join } from "node:path"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Registry } from "@lpo/trainer"
import { Backend } from "@lpo/transformer"
import { Cause, Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as Settings from "./Settings.ts"
import * as Train from "./Train.ts"
import * as View from "./View.ts"
import * as Warmstart from "./Warmstart.ts"

const preset = Argument.String("preset").pipe(
  Argument.withDescription("What to train; countdown-tiny is the one there is"),
  Argument.withDefault("countdown-tiny"),
)

const stamp = (): string => new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-")

const train = Command.make(
  "train",
  {
    preset,
    objective: Flag.Literals("objective", Registry.names).pipe(
      Flag.withDescription("The objective that turns a scored group into token weights"),
      Flag.withDefault("lpo-fwd"),
    ),
    seed: Flag.Int("seed").pipe(Flag.withDescription("Names every random stream of the run"), Flag.withDefault(1)),
    steps: Flag.Int("steps").pipe(Flag.withDescription("Training steps"), Flag.optional),
    groupSize: Flag.Int("k").pipe(Flag.withDescription("Group size K: responses per prompt"), Flag.optional),
    tau: Flag.String("tau").pipe(
      Flag.withDescription(
        "Temperature of the target, where the objective has one: a positive number, std, sample-std, mean, batch-std, kl:NATS or ess:N",
      ),
      Flag.withDefault("std"),
    ),
    problems: Flag.Int("problems").pipe(Flag.withDescription("Held-out problems to evaluate on"), Flag.optional),
    samples: Flag.Int("samples").pipe(Flag.withDescription("Samples per held-out problem"), Flag.optional),
    prompts: Flag.Int("prompts").pipe(Flag.withDescription("Prompts per step"), Flag.optional),
    maxTokens: Flag.Int("max-tokens").pipe(Flag.withDescription("Longest response, in tokens"), Flag.optional),
    learningRate: Flag.Finite("learning-rate").pipe(Flag.withDescription("Peak learning rate of AdamW"), Flag.optional),
    model: Flag.String("model").pipe(
      Flag.withDescription(
        "A Hugging Face checkpoint in place of the preset's model: a folder, or a name on the hub such as Qwen/Qwen3-0.6B, with @revision to pin one",
      ),
      Flag.optional,
    ),
    loraRank: Flag.Int("lora-rank").pipe(
      Flag.withDescription("Train an adapter of this rank on the model instead of all its parameters"),
      Flag.optional,
    ),
    loraAlpha: Flag.Finite("lora-alpha").pipe(
      Flag.withDescription("The adapter counts alpha / rank times; default twice the rank"),
      Flag.optional,
    ),
    out: Flag.Directory("out").pipe(Flag.withDescription("Folder of the runs"), Flag.withDefault("runs")),
    name: Flag.String("name").pipe(
      Flag.withDescription("Name of the run; made from preset, objective, seed and time when left out"),
      Flag.optional,
    ),
    backend: Flag.Literals("backend", ["auto", ...Backend.names]).pipe(
      Flag.withDescription("Where the model runs; auto takes a GPU whose packages are installed, and else wasm"),
      Flag.withDefault("auto"),
    ),
    workers: Flag.Int("workers").pipe(
      Flag.withDescription(
        "Worker threads of the backend wasm; results do not depend on it. Default: as many as cores, 0 works in the main thread",
      ),
      Flag.optional,
    ),
    resume: Flag.Boolean("resume").pipe(
      Flag.withDescription("Go on with a run that was stopped: the named one, or the newest"),
      Flag.withDefault(false),
    ),
  },
  Effect.fn(function* ({ backend, name, out, resume, workers, ...flags }) {
    const settings = yield* Settings.resolve(flags)
    const fresh = `${settings.preset}-${settings.objective}-${settings.seed}-${stamp()}`
    const folder = join(
      out,
      Option.getOrElse(name, () => (resume ? "latest" : fresh)),
    )
    if (Option.isSome(name) && (name.value === "latest" || !/^[\w.-]+$/.test(name.value))) {
      return yield* new Settings.UsageError({
        reason: `--name is "${name.value}"; use letters, digits, ".", "_" and "-", and not "latest"`,
      })
    }
    const threads = Option.getOrNull(workers)
    if (threads !== null && (threads < 0 || threads > 256)) {
      return yield* new Settings.UsageError({ reason: `--workers is ${threads}; give a whole number from 0 to 256` })
    }
    yield* Train.run({ settings, folder: yield* Train.realFolder(folder), resume, backend, workers: threads })
  }),
).pipe(
  Command.withDescription("Train a policy, evaluate it before and after, and write a report"),
  Command.withExamples([
    { command: "polaris train countdown-tiny --objective grpo --seed 2", description: "Another objective and seed" },
    {
      command: "polaris train countdown-tiny --model Qwen/Qwen3-0.6B --lora-rank 16",
      description: "An adapter on a model of the hub",
    },
    { command: "polaris train countdown-tiny --resume", description: "Go on with the newest run after Ctrl-C" },
  ]),
)

const warmStart = Command.make(
  "warm-start",
  {
    preset,
    out: Flag.File("out").pipe(
      Flag.withDescription("Where to write the weights"),
      Flag.withDefault("warm-start.safetensors"),
    ),
  },
  Effect.fn(function* (flags) {
    const found = yield* Settings.findPreset(flags.preset)
    yield* Backend.start("wasm")
    const view = View.make()
    const policy = yield* Warmstart.make(found, ({ loss, stage, step, steps }) =>
      Effect.sync(() =>
        view.progress({
          title: `Warm start, stage ${stage + 1} of ${found.warmStart.stages.length}`,
          done: step,
          total: steps,
          detail: [`loss ${loss.toFixed(4)} nats per token`],
        }),
      ),
    )
    view.done()
    yield* Warmstart.write(policy, flags.out)
    const [made, shipped] = yield* Effect.all([Warmstart.read(flags.out), Warmstart.read(Warmstart.shipped(found))])
    const same = made !== null && shipped !== null && Buffer.compare(made, shipped) === 0
    yield* Console.log(`${flags.out}: ${same ? "the same bytes as" : "differs from"} the shipped warm start`)
  }, Effect.scoped),
).pipe(Command.withDescription("Reproduce a preset's warm start: supervised training on imperfect demonstrations"))

const polaris = Command.make("polaris").pipe(
  Command.withDescription("Reinforcement learning with verifiable rewards, by Listwise Policy Optimization"),
  Command.withSubcommands([train, warmStart]),
)

/** An expected failure is one line on standard error and exit code 1; a defect keeps its trace. */
const explain = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const reason of cause.reasons) {
      // The command line has already explained a request for help or a wrong option.
      if (reason._tag === "Fail" && reason.error instanceof Error && reason.error.message !== "Help requested")
        process.stderr.write(`polaris: ${reason.error.message}\n`)
    }
  })

Command.run(polaris, { version: "0.1.0" }).pipe(
  Effect.tapCause((cause) => (cause.reasons.every((r) => r._tag === "Fail") ? explain(cause) : Effect.void)),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain({ disableErrorReporting: true }),
)
