/** The command line, as an effect: `lpo-verifiers serve` and `lpo-verifiers check`. */
import * as NodeServices from "@effect/platform-node/NodeServices"
import { Terminal } from "@lpo/rollout"
import { SingleBar } from "cli-progress"
import { type Cause, Console, Effect, Schema } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import * as RewardServer from "../server/RewardServer.ts"
import * as Tasks from "../Tasks.ts"
import * as Check from "./Check.ts"

class UsageError extends Schema.TaggedError<UsageError>()("UsageError", { reason: Schema.String }) {
  override get message(): string {
    return this.reason
  }
}

const mode = Flag.String("mode").pipe(
  Flag.withDescription('How to judge: "strict", or "reference:<grader>"'),
  Flag.withDefault("strict"),
)
const concurrency = Flag.Int("concurrency").pipe(
  Flag.withDescription("Verifications under way at once"),
  Flag.withDefault(16),
)
const deadline = Flag.Finite("deadline").pipe(
  Flag.withDescription("Seconds until a verdict is a timeout"),
  Flag.withDefault(30),
)

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

let serving = false
/** Whether a server listens, or did. */
export const isServing = (): boolean => serving

const serve = Command.make(
  "serve",
  {
    host: Flag.String("host").pipe(Flag.withDescription("Address to listen on"), Flag.withDefault("127.0.0.1")),
    port: Flag.Int("port").pipe(Flag.withDescription("Port to listen on; 0 picks a free one"), Flag.withDefault(8787)),
    mode,
    concurrency,
    deadline,
    maxPending: Flag.Int("max-pending").pipe(
      Flag.withDescription("Items accepted at once; more are refused with 429"),
      Flag.withDefault(4096),
    ),
    maxBody: Flag.Int("max-body").pipe(Flag.withDescription("Largest request body, MiB"), Flag.withDefault(32)),
  },
  Effect.fn(function* ({ host, maxBody, maxPending, port, ...flags }) {
    const tasks = yield* Tasks.standard
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
).pipe(Command.withDescription("Serve verdicts over HTTP until it is told to stop"))

const percent = (part: number, whole: number): string => (whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)} %`)

const check = Command.make(
  "check",
  {
    file: Argument.String("file").pipe(
      Argument.withDescription('Rows { "id", "task", "answer", "response", "problem"? }, one JSON object a line'),
    ),
    out: Flag.String("out").pipe(
      Flag.withDescription("Where the verdicts go; what it already holds is not graded again"),
    ),
    mode,
    concurrency,
    deadline,
    restart: Flag.Boolean("restart").pipe(
      Flag.withDescription("Start again, whatever the output file holds"),
      Flag.withDefault(false),
    ),
  },
  Effect.fn(function* ({ file, out, restart, ...flags }) {
    const tasks = yield* Tasks.standard
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
    const { bad, errors, meanScore, ok, refusal, resumed, rows, seconds, timeouts } = summary
    const rate = rows > resumed ? `, ${((rows - resumed) / seconds).toFixed(0)} a second` : ""
    yield* Console.log(
      [
        `${rows} rows in ${seconds.toFixed(1)} s${rate}${resumed > 0 ? ` (${resumed} from an earlier run)` : ""}`,
        `correct   ${summary.correct} (${percent(summary.correct, ok)} of ${ok} judged), mean score ${ok === 0 ? "-" : meanScore.toFixed(4)}`,
        `errors    ${errors}${bad > 0 ? `, of which ${bad} lines are no row` : ""}`,
        `timeouts  ${timeouts}`,
      ].join("\n"),
    )
    if (rows === 0) return yield* new UsageError({ reason: `${file} holds no row; give at least one` })
    if (ok === 0) {
      const reason = `none of the ${rows} rows could be judged; the first says: ${refusal}`
      return yield* new UsageError({ reason })
    }
  }, Effect.scoped),
).pipe(Command.withDescription("Grade a JSON-lines file"))

const program = Command.make("lpo-verifiers").pipe(
  Command.withDescription("Verifiable rewards"),
  Command.withSubcommands([serve, check]),
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
  Command.runWith(program, { version: "0.1.0" })(args).pipe(
    Effect.tapCause((cause) => (cause.reasons.every((r) => r._tag === "Fail") ? explain(cause) : Effect.void)),
    Effect.provide(NodeServices.layer),
  )
