/**
 * The options of `train`. None sets a default here: what you do not give comes from the preset, or from the run that is resumed.
 */
import { Registry } from "@lpo/trainer"
import { Backend } from "@lpo/transformer"
import { Option } from "effect"
import { Argument, Flag } from "effect/cli"
import { engines } from "./engines/index.ts"
import { profileNames } from "./engines/tinker.ts"
import * as Preset from "./Preset.ts"
import { tasks } from "./tasks/index.ts"

/** A flag with a description; null if it is not given. */
export const optional = <A>(flag: Flag.Flag<A>, description: string): Flag.Flag<A | null> =>
  flag.pipe(Flag.withDescription(description), Flag.optional, Flag.map(Option.getOrNull))

export const preset = Argument.String("preset").pipe(
  Argument.withDescription(`What to train: ${Preset.names.join(", ")}. Default countdown-tiny; with --data own`),
  Argument.optional,
  Argument.map(Option.getOrNull),
)

/** The fields of `Settings.Given`. */
export const given = {
  preset,
  engine: optional(
    Flag.Literals("engine", Object.keys(engines)),
    "Where sampling and training run: embedded in this process; tinker on a server; hybrid trains here and samples on vLLM. Default: the preset's, embedded",
  ),
  objective: optional(
    Flag.Literals("objective", Registry.names),
    "The objective that turns a scored group into token weights. Default lpo-fwd",
  ),
  tau: optional(
    Flag.String("tau"),
    "Temperature of the target, for objectives that have one: a positive number, std, sample-std, mean, batch-std, kl:NATS or ess:N. Default std",
  ),
  kl: optional(
    Flag.String("kl"),
    "Penalty on the KL to the policy that training starts from, as PLACE=BETA: reward or reward-k3 subtracts it from the reward; k1, k2 or k3 adds it to the loss, such as k3=0.04. k3=0.04,mastered penalises mastered prompts only. Default: none",
  ),
  seed: optional(Flag.Int("seed"), "Seed of every random stream of the run. Default 1"),
  steps: optional(Flag.Int("steps"), "Training steps. Default: the preset's, 60"),
  groupSize: optional(
    Flag.Int("k"),
    "Group size K: responses per prompt, 1 to 1024; 1 needs --objective lpo-single. Default: the preset's, 8",
  ),
  prompts: optional(Flag.Int("prompts"), "Prompts per step. Default: the preset's, 64; with --model 8"),
  maxTokens: optional(
    Flag.Int("max-tokens"),
    "Longest response, in tokens. Default: the preset's, 10; with --model 256",
  ),
  temperature: optional(
    Flag.Finite("temperature"),
    "Sampling temperature in training, above 0; ratios and gradients use it too. Evaluation has its own. Default 1",
  ),
  learningRate: optional(
    Flag.Finite("learning-rate"),
    "Peak learning rate of AdamW. Default: the preset's, 4e-4; with --model 1e-6, for an adapter 2e-5",
  ),
  problems: optional(
    Flag.Int("problems"),
    "Held-out problems to evaluate on. Default: the preset's, 500; with --model 64",
  ),
  samples: optional(Flag.Int("samples"), "Samples per held-out problem. Default: the preset's, 16; with --model 4"),
  data: optional(
    Flag.String("data"),
    "Problems to train on: a .jsonl, .json or .parquet file (also .gz), or name[@revision][:[config/]split] on the hub. Default: the task's own",
  ),
  evalData: optional(
    Flag.String("eval-data"),
    "Held-out problems, given like --data. Default: a tenth of --data, chosen by hash",
  ),
  task: optional(
    Flag.Literals("task", Object.keys(tasks)),
    "How rows of --data are read and answers judged. Default: the preset's. The task own needs --verifier",
  ),
  format: optional(
    Flag.String("format"),
    "Format of the rows, if the task reads more than one. Default: the one that fits the first rows",
  ),
  badRows: optional(
    Flag.Literals("bad-rows", ["fail", "leave-out"]),
    "What to do with a row that cannot be turned into a problem: fail stops before training, leave-out skips it. Default fail",
  ),
  verifier: optional(
    Flag.String("verifier"),
    "The judge of answers: a module whose default export is a function (answer, response, problem) or a grader, or the URL of a reward model. Default: the task's",
  ),
  model: optional(
    Flag.String("model"),
    "A Hugging Face checkpoint in place of the preset's model: a folder, or a name on the hub such as Qwen/Qwen3-0.6B, with @revision to pin one. For tinker, the server's base model. Default: the preset's",
  ),
  loraRank: optional(
    Flag.Int("lora-rank"),
    "Train an adapter of this rank on the model. Default: all parameters; for tinker 32",
  ),
  loraAlpha: optional(Flag.Finite("lora-alpha"), "The adapter is scaled by alpha / rank. Default: twice the rank"),
  ignore: optional(
    Flag.String("ignore"),
    "Options in the model's config.json that this program does not know and you know to be harmless, comma-separated. Default: none",
  ),
  template: Flag.String("template").pipe(
    Flag.withDescription(
      "A variable of the model's chat template, as name=value: enable_thinking=false, tools=[...]. The value is JSON, or else text; date=2026-11-28 sets the day of strftime_now. May be repeated. Default: none, and the day on which the run starts",
    ),
    Flag.between(0, 100),
  ),
  server: optional(Flag.String("server"), "tinker: URL of the server. The key, if any, is TINKER_API_KEY"),
  profile: optional(Flag.Literals("profile", profileNames), "tinker: the kind of server. Default skyrl-jax"),
  rollouts: optional(
    Flag.String("rollouts"),
    "hybrid: URLs of vLLM servers that sample, comma-separated. The key, if any, is LPO_ROLLOUTS_KEY",
  ),
  servedName: optional(
    Flag.String("served-name"),
    "hybrid: the model's name on the servers. Default: the value of --model",
  ),
  offline: optional(
    Flag.File("offline"),
    "Groups sampled elsewhere, mixed with the run's own: JSON lines of prompts and responses as tokens, with scores and, if known, log-probs. Default: none",
  ),
  offlineRatio: optional(
    Flag.Finite("offline-ratio"),
    "Share of each step's prompts that comes from --offline. Default 0.25",
  ),
  evaluateEvery: optional(
    Flag.Int("evaluate-every"),
    "Training steps between evaluations on held-out problems during training; for more, set train.evaluation and train.best. Default 0, never",
  ),
  tracker: Flag.String("tracker").pipe(
    Flag.withDescription(
      "Also send the curves to a tracker: tensorboard, mlflow=URL, trackio=URL or otlp=URL. May be repeated. Default: none",
    ),
    Flag.between(0, 8),
    Flag.map((all): ReadonlyArray<string> | null => (all.length === 0 ? null : all)),
  ),
  backend: optional(
    Flag.Literals("backend", ["auto", ...Backend.names]),
    "Where the model runs; auto uses a GPU if its packages are installed, and wasm otherwise. Default auto",
  ),
  workers: optional(
    Flag.Int("workers"),
    "Worker threads of the wasm backend; they do not change the results. Default: one per core; 0 uses the main thread",
  ),
}

/** A file of options, single settings, and checks before the run starts. */
export const file = {
  config: optional(
    Flag.File("config"),
    "A JSON file of options under the same names; run.schema.json describes it. The command line takes precedence",
  ),
  set: Flag.String("set").pipe(
    Flag.withDescription(
      "A setting that has no option, by its path in config.json: train.optimizer.warmupSteps=10. May be repeated",
    ),
    Flag.between(0, 100),
  ),
  probe: Flag.Boolean("probe").pipe(
    Flag.withDescription(
      "First check that the sampler follows the learner, with three steps on response length that are undone afterwards",
    ),
    Flag.withDefault(false),
  ),
  dryRun: Flag.Boolean("dry-run").pipe(
    Flag.withDescription("Print the settings and the estimated memory and time, then stop"),
    Flag.withDefault(false),
  ),
}

/** Where the run is, and whether it is a new one. */
export const place = {
  out: Flag.Directory("out").pipe(Flag.withDescription("Folder for runs. Default runs"), Flag.withDefault("runs")),
  name: optional(
    Flag.String("name"),
    "Name of the run. Default: made from preset, objective, seed and time; with --resume, the newest run",
  ),
  resume: Flag.Boolean("resume").pipe(
    Flag.withDescription(
      "Resume a stopped run with its own settings; you may change --steps, --problems, --samples and the servers. Default: start a new run",
    ),
    Flag.withDefault(false),
  ),
}
