/** The command line, as an effect: `lpo-verifiers serve`, `check` and `validate`. */
import { readFileSync } from "node:fs"
import * as NodeChildProcessSpawner from "@effect/platform-node-shared/NodeChildProcessSpawner"
import * as NodeFileSystem from "@effect/platform-node-shared/NodeFileSystem"
import * as NodePath from "@effect/platform-node-shared/NodePath"
import * as NodeStdio from "@effect/platform-node-shared/NodeStdio"
import * as NodeTerminal from "@effect/platform-node-shared/NodeTerminal"
import { Terminal } from "@lpo/rollout"
import * as CommandLine from "@lpo/rollout/CommandLine"
import { SingleBar } from "cli-progress"
import { type Cause, Console, Effect, Layer, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as RewardServer from "../server/RewardServer.ts"
import * as Tasks from "../Tasks.ts"
import * as Check from "./Check.ts"
import * as Validate from "./Validate.ts"

/** What the command line asks of the platform. The package that bundles these brings a database client along. */
const services = Layer.provideMerge(
  NodeChildProcessSpawner.layer,
  Layer.mergeAll(NodeFileSystem.layer, NodePath.layer, NodeStdio.layer, NodeTerminal.layer),
)

class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

const mode = Flag.String("mode").pipe(
  Flag.withDescription("How to judge: strict, or reference:GRADER. Default strict"),
  Flag.withDefault("strict"),
)
const concurrency = Flag.Int("concurrency").pipe(
  Flag.withDescription("Verifications running at once. Default 16"),
  Flag.withDefault(16),
)
const deadline = Flag.Finite("deadline").pipe(
  Flag.withDescription("Seconds until a verdict is a timeout. Default 30"),
  Flag.withDefault(30),
)

const percent = Flag.Literals("percent", ["value", "unit"]).pipe(
  Flag.withDescription(
    "What 50 % is in strict mathematics: the value 0.5, or 50 with a unit that may be omitted. Default value",
  ),
  Flag.withDefault("value"),
)
const decimals = Flag.Int("decimals").pipe(
  Flag.withDescription(
    "Decimal places that a rounded number needs to stand for 1/3 or a root in strict mathematics. Default 6",
  ),
  Flag.withDefault(6),
)

/** The tasks that compare as the flags say. */
const tasksOf = (comparison: { readonly percent: "value" | "unit"; readonly decimals: number }) =>
  comparison.decimals < 1 || comparison.decimals > 15
    ? Effect.fail(new UsageError({ reason: `--decimals is ${comparison.decimals}; give 1 to 15` }))
    : Tasks.comparing(comparison)

/** The mode when some task has it, and numbers within their ranges. */
const checked = (
  tasks: Tasks.Registry,
  flags: { readonly mode: string; readonly concurrency: number; readonly deadline: number },
) =>
  Effect.gen(function* () {
    const [strict, ...references] = Tasks.modes(tasks)
    const mode = [strict, ...references].find((known) => known === flags.mode)
    if (mode === undefined) {
      const reason = `--mode is "${flags.mode}"; give strict or one of ${references.join(", ")}`
      return yield* new UsageError({ reason })
    }
    if (flags.concurrency < 1)
      return yield* new UsageError({ reason: `--concurrency is ${flags.concurrency}; give 1 or more` })
    if (!(flags.deadline > 0))
      return yield* new UsageError({ reason: `--deadline is ${flags.deadline}; give seconds above 0` })
    return {
      mode,
      concurrency: flags.concurrency,
      deadline: `${Math.round(flags.deadline * 1000)} millis` as const,
    }
  })

const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
  readonly version: string
}

let serving = false
/** Whether a server listens, or did. */
export const isServing = (): boolean => serving

const serve = Command.make(
  "serve",
  {
    host: Flag.String("host").pipe(
      Flag.withDescription("Address to listen on. Default 127.0.0.1"),
      Flag.withDefault("127.0.0.1"),
    ),
    port: Flag.Int("port").pipe(
      Flag.withDescription("Port to listen on; 0 picks a free one. Default 8787"),
      Flag.withDefault(8787),
    ),
    mode,
    concurrency,
    deadline,
    percent,
    decimals,
    maxPending: Flag.Int("max-pending").pipe(
      Flag.withDescription("Items accepted at once; more are refused with 429. Default 4096"),
      Flag.withDefault(4096),
    ),
    maxBody: Flag.Int("max-body").pipe(
      Flag.withDescription("Largest request body, MiB. Default 32"),
      Flag.withDefault(32),
    ),
  },
  Effect.fn(function* ({ host, maxBody, maxPending, port, ...flags }) {
    const tasks = yield* tasksOf(flags)
    const options = yield* checked(tasks, flags)
    if (maxPending < 1) return yield* new UsageError({ reason: `--max-pending is ${maxPending}; give 1 or more` })
    if (maxBody < 1) return yield* new UsageError({ reason: `--max-body is ${maxBody}; give 1 or more` })
    if (port < 0 || port > 65_535) return yield* new UsageError({ reason: `--port is ${port}; give 0 to 65535` })
    const server = yield* RewardServer.make({
      ...options,
      tasks,
      host,
      port,
      maxPending,
      maxBodyBytes: maxBody * 2 ** 20,
    })
    serving = true
    yield* Console.log(`listening on ${server.url} (${[...tasks.keys()].join(", ")}; ${options.mode})`)
    return yield* Effect.never
  }, Effect.scoped),
).pipe(Command.withDescription("Serve verdicts over HTTP until you stop it"))

const share = (part: number, whole: number): string => (whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)} %`)

const check = Command.make(
  "check",
  {
    file: Argument.String("file").pipe(
      Argument.withDescription('Rows { "id", "task", "answer", "response", "problem"? }, one JSON object a line'),
    ),
    out: Flag.String("out").pipe(
      Flag.withDescription("File for the verdicts, one a line; rows that it already has are not graded again"),
    ),
    mode,
    concurrency,
    deadline,
    percent,
    decimals,
    restart: Flag.Boolean("restart").pipe(
      Flag.withDescription("Start over, whatever --out contains"),
      Flag.withDefault(false),
    ),
  },
  Effect.fn(function* ({ file, out, restart, ...flags }) {
    const tasks = yield* tasksOf(flags)
    const options = yield* checked(tasks, flags)
    const bar = new SingleBar({
      format: "{bar} {value}/{total} {percentage} %  {eta_formatted} left  {correct} correct",
      hideCursor: true,
      // Standard error: standard output is for the summary.
      stream: process.stderr,
      etaBuffer: 200,
    })
    let correct = 0
    const summary = yield* Check.run({
      ...options,
      tasks,
      file,
      out,
      restart,
      onStart: ({ done, total }) => bar.start(total, done, { correct }),
      onVerdict: (verdict) => bar.increment(1, { correct: (correct += verdict.correct ? 1 : 0) }),
      onBadRow: (line, reason) => process.stderr.write(`${file}, line ${line}: ${Terminal.visible(reason)}\n`),
    }).pipe(Effect.ensuring(Effect.sync(() => bar.stop())))
    const { bad, errors, left, meanScore, ok, refusal, resumed, rows, seconds, timeouts } = summary
    const rate = rows > resumed ? `, ${((rows - resumed) / seconds).toFixed(0)} a second` : ""
    yield* Console.log(
      [
        `${Terminal.counted(rows, "row")} in ${seconds.toFixed(1)} s${rate}${resumed > 0 ? ` (${resumed} from an earlier run)` : ""}`,
        `correct   ${summary.correct} (${share(summary.correct, ok)} of ${ok} judged), mean score ${ok === 0 ? "-" : meanScore.toFixed(4)}`,
        `errors    ${errors}${bad > 0 ? `, ${bad} of them on ${bad === 1 ? "a line that is not a row" : "lines that are not rows"}` : ""}`,
        `timeouts  ${timeouts}`,
        ...[...left].map(([task, n]) => `left      ${n} of task ${task}, which has no ${options.mode}`),
      ].join("\n"),
    )
    if (rows === 0) return yield* new UsageError({ reason: `${file} has no rows; give at least one` })
    if (ok === 0) {
      const reason = `no row could be judged; the first says: ${refusal}`
      return yield* new UsageError({ reason })
    }
  }, Effect.scoped),
).pipe(Command.withDescription("Grade the rows of a file of JSON lines"))

const validate = Command.make(
  "validate",
  {
    file: Argument.String("file").pipe(
      Argument.withDescription("JSON lines or a JSON array: rows to verify, or rows of a published dataset"),
    ),
    task: Flag.String("task").pipe(
      Flag.withDescription("Task of rows that do not name one. Default math"),
      Flag.withDefault("math"),
    ),
    format: Flag.String("format").pipe(
      Flag.withDescription("Format of the rows, one of the task's. Default: the first that reads the row"),
      Flag.withDefault(""),
    ),
    concurrency,
    percent,
    decimals,
  },
  Effect.fn(function* ({ concurrency, file, format, task, ...flags }) {
    if (concurrency < 1) return yield* new UsageError({ reason: `--concurrency is ${concurrency}; give 1 or more` })
    const tasks = yield* tasksOf(flags)
    const says = { unreadable: "is not a problem", refused: "is refused", text: "is compared as text" }
    const summary = yield* Validate.run(
      { file, tasks, task, concurrency, ...(format !== "" && { format }) },
      ({ id, kind, reason, row }) =>
        Console.log(Terminal.visible(`row ${row}${id === String(row) ? "" : ` (${id})`} ${says[kind]}: ${reason}`)),
    )
    const { fit, rows, seconds, text } = summary
    yield* Console.log(
      [
        `${Terminal.counted(rows, "row")} in ${seconds.toFixed(1)} s`,
        `fit       ${fit} (${share(fit, rows)})`,
        `as text   ${text} (${share(text, rows)})`,
      ].join("\n"),
    )
    if (rows === 0) return yield* new UsageError({ reason: `${file} has no rows; give at least one` })
    const unfit = rows - fit - text
    if (unfit > 0) return yield* new UsageError({ reason: `unfit rows: ${unfit} of ${rows}; leave them out` })
  }, Effect.scoped),
).pipe(Command.withDescription("Find the ground truths of a file that cannot be judged by"))

const program = Command.make("lpo-verifiers").pipe(
  Command.withDescription("Grade files of responses, check ground truths, and serve rewards over HTTP"),
  Command.withSubcommands([serve, check, validate]),
)

/** An expected failure is one line on standard error and exit code 1; a defect keeps its trace. */
const explain = (cause: Cause.Cause<unknown>): Effect.Effect<void> =>
  Effect.sync(() => {
    for (const reason of cause.reasons)
      // The command line has already explained a request for help or a wrong option.
      if (reason._tag === "Fail" && reason.error instanceof Error && reason.error.message !== "Help requested")
        process.stderr.write(`lpo-verifiers: ${Terminal.visible(reason.error.message)}\n`)
  })

/** Runs a command line, without the name of the program. */
export const run = (args: ReadonlyArray<string>) =>
  Command.runWith(program, { version })(args).pipe(
    Effect.tapCause((cause) => (cause.reasons.every((r) => r._tag === "Fail") ? explain(cause) : Effect.void)),
    Effect.provide(Layer.merge(services, CommandLine.layer("lpo-verifiers"))),
  )
