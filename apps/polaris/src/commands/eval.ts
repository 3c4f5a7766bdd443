/** `polaris eval`: a policy's scores on benchmarks, kept response by response, so it can resume where it stopped. */
import { readFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import * as Benchmark from "@lpo/eval/Benchmark"
import { Dataset, Terminal } from "@lpo/rollout"
import { Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as RegularFile from "@lpo/rollout/RegularFile"
import * as About from "../About.ts"
import * as Measure from "../evaluation/Measure.ts"
import * as Policies from "../evaluation/Policies.ts"
import * as Sets from "../evaluation/Sets.ts"
import * as Table from "../evaluation/Table.ts"
import { optional } from "../Options.ts"
import * as Place from "../Place.ts"
import { ofRows, type Reads } from "../tasks/index.ts"
import { find, stray, UsageError, whole } from "../Usage.ts"
import * as View from "../View.ts"
import type { Entry } from "./Entry.ts"

const flags = {
  benchmark: optional(
    Flag.String("benchmark"),
    `Benchmarks, comma-separated: ${Object.keys(Benchmark.all).join(", ")}. Default with --run: the problems that the run held out`,
  ),
  data: optional(
    Flag.String("data"),
    "A copy of the one benchmark in --benchmark, or with --task a file of your own problems",
  ),
  task: optional(Flag.Literals("task", ofRows), "How rows of --data are read and answers judged"),
  verifier: optional(
    Flag.String("verifier"),
    "What judges --data instead of a task: a module or the URL of a reward model, as for polaris train",
  ),
  format: optional(Flag.String("format"), "Format of the rows. Default: the one that fits the first rows"),
  model: optional(Flag.String("model"), "A checkpoint: a folder, or name[@revision] on the hub"),
  endpoint: optional(
    Flag.String("endpoint"),
    "URLs of vLLM servers, comma-separated. The key, if any, is LPO_ROLLOUTS_KEY",
  ),
  servedName: optional(Flag.String("served-name"), "The model's name on the servers"),
  run: optional(Flag.Directory("run"), "The folder of a finished run: its trained policy"),
  completions: optional(
    Flag.File("completions"),
    'Responses that you have already sampled: JSON lines of {"problem": id or place, "responses": [text, ...]}',
  ),
  style: optional(
    Flag.Literals("style", ["chat", "text"]),
    "How to prompt servers: chat, or text for a base model. Default chat",
  ),
  n: optional(Flag.Int("n"), "Samples per problem. Default: the benchmark's"),
  temperature: optional(Flag.Finite("temperature"), "Sampling temperature. Default: the benchmark's, 0.6"),
  maxTokens: optional(Flag.Int("max-tokens"), "Longest response, in tokens. Default: the benchmark's"),
  problems: optional(
    Flag.Int("problems"),
    "Use only the first N problems. Default: all; a subset is not the benchmark",
  ),
  seed: Flag.Int("seed").pipe(
    Flag.withDescription("Seed of the samples and intervals. Default 1"),
    Flag.withDefault(1),
  ),
  backend: optional(Flag.String("backend"), "Where --model or --run runs. Default auto"),
  workers: optional(Flag.Int("workers"), "Worker threads of the wasm backend. Default: one per core"),
  out: Flag.Directory("out").pipe(
    Flag.withDescription("Folder for evaluations. Default evals"),
    Flag.withDefault("evals"),
  ),
  name: optional(Flag.String("name"), "Name of the evaluation. Default: made from the time"),
  resume: Flag.Boolean("resume").pipe(
    Flag.withDescription("Resume the evaluation of that --name; finished problems are not sampled again"),
    Flag.withDefault(false),
  ),
}

const sampling = ["model", "endpoint", "run"] as const

/** Options by the ones that they need: without one of these they would have no effect. */
const needs = {
  n: sampling,
  temperature: sampling,
  maxTokens: sampling,
  backend: ["model", "run"],
  workers: ["model", "run"],
  servedName: ["endpoint"],
  style: ["endpoint"],
  task: ["data"],
  format: ["data"],
  verifier: ["data"],
} as const

type Given = { readonly [K in keyof typeof flags]: Command.Command.Config.Infer<typeof flags>[K] }

/** The one policy to evaluate. */
const policyOf = Effect.fn("eval.policyOf")(function* (given: Given, view: View.View) {
  const { completions, endpoint, model, run } = given
  const named = { model, endpoint, run, completions }
  const asked = Object.entries(named).filter(([, value]) => value !== null)
  if (asked.length !== 1)
    return yield* new UsageError({
      reason: `${asked.length === 0 ? "nothing to evaluate is given" : `${asked.map(([key]) => `--${key}`).join(" and ")} are given`}; give one of --model, --endpoint, --run and --completions`,
    })
  if (model !== null) return yield* Policies.checkpoint(model, given, view)
  if (endpoint !== null) return yield* Policies.endpoint(endpoint, given.servedName, given.style ?? "chat")
  if (run !== null) return yield* Policies.trained(run, given, view)
  return null
})

const namesOf = (benchmark: string | null): ReadonlyArray<string> =>
  benchmark === null ? [] : benchmark.split(",").map((name) => name.trim())

/** The sets to evaluate on. */
const setsOf = Effect.fn("eval.setsOf")(function* (given: Given, reads: Reads, view: View.View) {
  const { benchmark, data, format, run, task, verifier } = given
  const one = (set: Sets.Set): ReadonlyArray<Sets.Set> => [set]
  if (benchmark !== null) {
    const names = namesOf(benchmark)
    if (data !== null && names.length > 1)
      return yield* new UsageError({
        reason: `--data is a copy of one benchmark, and ${names.length} are given; give one at a time`,
      })
    const all: ReadonlyArray<Sets.Set> = yield* Effect.forEach(names, (name) => Sets.benchmark(name, data, reads, view))
    return all
  }
  if (data !== null) {
    const judged = task ?? (verifier === null ? null : "own")
    if (judged === null)
      return yield* new UsageError({
        reason: "--data is given, but nothing decides how its answers are judged; give --task or --verifier",
      })
    return one(yield* Sets.file(data, judged, { format, verifier }, reads, view))
  }
  if (run !== null) return one(yield* Sets.heldOut(run, reads, view))
  return yield* new UsageError({
    reason: "no problems are given; give --benchmark, or --data with --task or --verifier",
  })
})

/** The set with the changes of the command line. */
const adjusted = Effect.fn("eval.adjusted")(function* (set: Sets.Set, given: Given) {
  const samples = given.n === null ? set.samples : yield* whole("n", given.n, 1, 10_000)
  const maxTokens = given.maxTokens === null ? set.maxTokens : yield* whole("max-tokens", given.maxTokens, 1, 1_000_000)
  const count =
    given.problems === null ? set.problems.length : yield* whole("problems", given.problems, 1, set.problems.length)
  const temperature = given.temperature ?? set.temperature
  if (temperature < 0)
    return yield* new UsageError({ reason: `--temperature is ${temperature}; give 0 (greedy) or more` })
  return { ...set, samples, maxTokens, temperature, problems: set.problems.slice(0, count) }
})

const io = <A>(path: string, use: () => Promise<A>) =>
  Effect.tryPromise({
    try: use,
    catch: (cause) => new UsageError({ reason: `${path}: ${(cause as Error).message}` }),
  })

/** Records the options; resuming with others is refused, because it would mix two evaluations. */
const claim = Effect.fn("eval.claim")(function* (folder: string, asked: unknown, resume: boolean) {
  const path = join(folder, "config.json")
  const text = `${JSON.stringify(asked, null, 2)}\n`
  const before = yield* io(path, () =>
    readFile(path, "utf8").catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") return null
      throw cause
    }),
  )
  if (before === null && resume)
    return yield* new UsageError({ reason: `there is no evaluation in ${folder}; leave --resume out` })
  if (before !== null && !resume)
    return yield* new UsageError({
      reason: `${folder} exists already; resume it with --resume, or choose another --name`,
    })
  if (before !== null && before !== text)
    return yield* new UsageError({
      reason: `${folder} was started with other options or problems (see its config.json); give the same, or choose another --name`,
    })
  yield* io(folder, async () => {
    await RegularFile.makeFolder(folder)
    await RegularFile.write(path, text)
  })
})

export const command: Entry = Command.make(
  "eval",
  flags,
  Effect.fn(function* (given) {
    const view = View.make()
    yield* Effect.addFinalizer(() => Effect.sync(view.done))
    const seed = `eval/${given.seed}`
    const alone = stray(given, needs)
    if (alone !== null) return yield* alone
    const own = (["task", "format", "verifier"] as const).find((key) => given[key] !== null)
    if (given.benchmark !== null && own !== undefined)
      return yield* new UsageError({ reason: `--${own} is given, but a benchmark has its own; leave it out` })
    // A wrong name is refused before a model is downloaded.
    for (const name of namesOf(given.benchmark)) yield* find("benchmark", name, Benchmark.all)
    const policy = yield* policyOf(given, view)
    const found = yield* setsOf(given, policy?.reads ?? "chat", view)
    // A missing file is refused before a folder is made for the results.
    if (given.completions !== null) yield* Effect.scoped(Dataset.open(given.completions))
    const sets = yield* Effect.forEach(found, (set) => adjusted(set, given))
    if (given.resume && given.name === null)
      return yield* new UsageError({ reason: "--resume needs the name of the evaluation; give --name" })
    const folder = yield* Place.folderOf({ out: given.out, name: given.name, resume: false, what: "eval" })
    yield* claim(
      folder,
      {
        policy: policy?.label ?? given.completions,
        seed: given.seed,
        sets: sets.map(({ from, maxTokens, name, problems, samples, stopStrings, temperature }) => ({
          name,
          from,
          problems: problems.length,
          ...(policy === null ? {} : { samples, temperature, maxTokens, stopStrings }),
        })),
      },
      given.resume,
    )
    for (const { from, name, problems, samples } of sets)
      view.print(
        `${name}: ${Terminal.counted(problems.length, "problem")}${policy === null ? "" : ` x ${Terminal.counted(samples, "sample")}`}, ${from}`,
      )
    const results = yield* Effect.forEach(sets, (set) =>
      Measure.evaluate(set, policy, { folder, seed, completions: given.completions, view }),
    )
    const summary = {
      policy: policy?.label ?? given.completions,
      seed: given.seed,
      sets: results.map((result) => Table.record(result, seed)),
      about: yield* About.make({}),
    }
    const path = join(folder, "summary.json")
    yield* io(path, () => RegularFile.write(path, `${JSON.stringify(summary, null, 2)}\n`))
    for (const line of Table.lines(results, seed)) view.print(line)
    view.print(`samples and summary.json  ${dirname(path)}`)
  }, Effect.scoped),
).pipe(
  Command.withDescription("Evaluate a policy on benchmarks, keep every response, and resume where it stopped"),
  Command.withExamples([
    {
      command: "polaris eval --benchmark math500,aime24 --model Qwen/Qwen3-0.6B --n 4",
      description: "A checkpoint on two benchmarks",
    },
    { command: "polaris eval --run runs/latest", description: "A run on the problems that it held out" },
    {
      command: "polaris eval --benchmark math500 --data math500.json --endpoint http://gpu:8000 --served-name m",
      description: "A server, with a copy of the benchmark",
    },
    {
      command: "polaris eval --benchmark math500 --completions mine.jsonl",
      description: "Responses that you have already sampled",
    },
  ]),
)
