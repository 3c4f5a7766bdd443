/**
 * A verifier of your own: the URL of a reward model, or a module whose default export judges. It is a function of the answer, the
 * response and the problem, and returns a number (the reward; 1 or more is right), true or false, or a verdict, directly or as a
 * promise; or it is a grader.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { registerHooks } from "node:module"
import { dirname } from "node:path"
import { pathToFileURL } from "node:url"
import { inspect } from "node:util"
import { type Problem, RegularFile, RewardModel, Verdict } from "@lpo/rollout"
import { type Task, type Verifier as Verifiers, VerifierError } from "@lpo/verifiers"
import { Config, Effect, Option, Schema } from "effect"
import type { Verifier } from "./Data.ts"
import { UsageError } from "./Usage.ts"

/** The key of a reward model, in the environment. */
const key = "LPO_REWARD_KEY"

type Judge = (answer: unknown, response: string, problem?: Pick<Problem.Problem, "prompt">) => unknown

const decodeVerdict = Schema.decodeUnknownEffect(Verdict.Verdict, { onExcessProperty: "error" })

const isGrader = (value: unknown): value is Verifiers.AnyGrader =>
  typeof value === "object" &&
  value !== null &&
  "grade" in value &&
  typeof value.grade === "function" &&
  "answer" in value

/** The verdict for what a function returned. */
const verdictOf = (name: string, value: unknown): Effect.Effect<Verdict.Verdict, VerifierError.VerifierError> => {
  if (typeof value === "boolean") return Effect.succeed(Verdict.judged({ correct: value }))
  if (typeof value === "number") return Effect.succeed(Verdict.judged({ correct: value >= 1, score: value }))
  return decodeVerdict(value).pipe(
    Effect.mapError(
      ({ message }) =>
        new VerifierError.VerifierError({
          verifier: name,
          reason: `returned ${inspect(value, { depth: 2, breakLength: Infinity }).slice(0, 300)}; return a number, true, false or a verdict (${message})`,
        }),
    ),
  )
}

const ofFunction = (name: string, judge: Judge): Verifiers.AnyGrader => ({
  name,
  answer: Schema.Unknown,
  grade: (answer: unknown, response: string, problem?: Pick<Problem.Problem, "prompt">) =>
    Effect.tryPromise({
      try: async () => judge(answer, response, problem),
      catch: (cause) =>
        new VerifierError.VerifierError({
          verifier: name,
          reason: cause instanceof Error ? cause.message : String(cause),
        }),
    }).pipe(Effect.flatMap((value) => verdictOf(name, value))),
})

/**
 * Lets files of a folder be written as modules where the nearest package.json says CommonJS, as `npm init` writes it: a file with a
 * line that starts with `import` or `export` is a module.
 */
const takeModules = (folder: string): void => {
  const root = `${pathToFileURL(folder).href.replace(/\/$/, "")}/`
  registerHooks({
    load: (url, context, next) => {
      const isOurs = url.startsWith(root) && !url.slice(root.length).includes("node_modules/")
      if (!isOurs || context.format?.startsWith("commonjs") !== true) return next(url, context)
      const isModule = /^(import|export)\b/m.test(readFileSync(new URL(url), "utf8"))
      return next(url, isModule ? { ...context, format: context.format?.replace("commonjs", "module") } : context)
    },
  })
}

/** The module with its hash; fails if there is none, or if it exports nothing that judges. */
export const load = Effect.fn("Grader.load")(function* ({ path }: Pick<Verifier, "path">) {
  const refused = (reason: string) => new UsageError({ reason: `--verifier ${path}: ${reason}` })
  if (/^https?:/.test(path)) {
    if (!URL.canParse(path) || new URL(path).username + new URL(path).password !== "")
      return yield* refused(`is not an address; give one such as http://127.0.0.1:8080/score, and its key as ${key}`)
    const secret = Option.getOrUndefined(yield* Config.option(Config.Redacted(key)))
    return { grader: RewardModel.grader({ url: path, key: secret }), settings: { path, sha256: null } }
  }
  const text = yield* Effect.tryPromise({
    try: () => RegularFile.bytes(path, RegularFile.maxTextBytes),
    catch: (cause) => refused(RegularFile.unread(cause)),
  })
  takeModules(dirname(path))
  const module = yield* Effect.tryPromise({
    try: () => import(pathToFileURL(path).href) as Promise<Readonly<Record<string, unknown>>>,
    catch: (cause) => refused(`cannot be loaded (${(cause as Error).message})`),
  })
  const given = module["default"]
  const grader = isGrader(given) ? given : typeof given === "function" ? ofFunction(path, given as Judge) : null
  if (grader === null)
    return yield* refused(
      "does not export a grader; export default a function of (answer, response, problem), or a grader",
    )
  const settings: Verifier = { path, sha256: createHash("sha256").update(text).digest("hex") }
  return { grader, settings }
})

/** The task with its answers judged by this grader. */
export const judgedBy = (task: Task.AnyTask, grader: Verifiers.AnyGrader | null): Task.AnyTask =>
  grader === null ? task : { ...task, graders: { ...task.graders, strict: grader } }
