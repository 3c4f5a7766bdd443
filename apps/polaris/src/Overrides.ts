/** `--set path=value`: single values of the settings, by their paths in config.json. */
import { StepReport } from "@lpo/trainer"
import { Effect } from "effect"
import * as Settings from "./Settings.ts"
import { nearest, UsageError } from "./Usage.ts"

/** Settings that have an option on the command line, with its checks. */
const optioned: Readonly<Record<string, string>> = {
  preset: "--preset",
  seed: "--seed",
  "task.name": "--task",
  "train.steps": "--steps",
  "train.groupSize": "--k",
  "train.promptsPerStep": "--prompts",
  "train.sampling.maxTokens": "--max-tokens",
  "train.sampling.temperature": "--temperature",
  "train.optimizer.learningRate": "--learning-rate",
  "evaluation.problems": "--problems",
  "train.evaluation.every": "--evaluate-every",
  "evaluation.samples": "--samples",
  "model.source": "--model",
  trackers: "--tracker",
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** The paths of all values, with dots. */
const pathsOf = (value: unknown, before = ""): ReadonlyArray<string> =>
  isRecord(value)
    ? Object.entries(value).flatMap(([key, inner]) => pathsOf(inner, before === "" ? key : `${before}.${key}`))
    : [before]

/** Whether there is something at the path: a value, or a group of values without options. */
const isThere = (paths: ReadonlyArray<string>, path: string): boolean =>
  paths.includes(path) ||
  (paths.some((known) => known.startsWith(`${path}.`)) &&
    !Object.keys(optioned).some((known) => known.startsWith(`${path}.`)))

const put = (value: unknown, [key, ...rest]: ReadonlyArray<string>, to: unknown): unknown =>
  key === undefined ? to : isRecord(value) ? { ...value, [key]: put(value[key], rest, to) } : value

/** Why the settings cannot tell which policy is best; null if they can. */
const bestRefusal = ({ train: { best, evaluation } }: Settings.Settings): string | null => {
  if (best === null) return null
  const [side, ...name] = best.metric.split("/")
  if (side === "eval")
    return evaluation.every > 0
      ? null
      : `train.best.metric is ${best.metric}, and nothing is evaluated in the loop; give --evaluate-every`
  return side === "train" && Object.hasOwn(StepReport.StepReport.fields, name.join("/"))
    ? null
    : `train.best.metric is "${best.metric}"; give eval/pass_at_1, another number of evaluations.jsonl, or train/ and a number of events.jsonl`
}

/** Why the engine cannot train at this sampling temperature; null if it can. */
const temperatureRefusal = (settings: Settings.Settings): string | null => {
  const { name, options } = settings.engine
  const { temperature } = settings.train.sampling
  return temperature === 1 || Settings.engineOf(settings).adapted(options).tempers
    ? null
    : `--temperature is ${temperature}, but the engine ${name} gives log-probs only at temperature 1, so ratios would be biased; leave it out, or train with --engine embedded or hybrid`
}

/** The settings with values at paths. Fails with a `UsageError` that names the path and the nearest right one. */
export const set = Effect.fn("Overrides.set")(function* (
  settings: Settings.Settings,
  pairs: ReadonlyArray<readonly [path: string, value: unknown]>,
) {
  const paths = pathsOf(settings)
  let changed: unknown = settings
  for (const [path, value] of pairs) {
    const option = Object.hasOwn(optioned, path) ? optioned[path] : undefined
    if (option !== undefined)
      return yield* new UsageError({ reason: `--set ${path} has its own option; give ${option}` })
    if (!isThere(paths, path)) {
      const last = (text: string): string => text.split(".").at(-1) ?? text
      const near = nearest(path, paths) ?? paths.find((known) => last(known) === last(path))
      const meant = near === undefined ? "config.json of a run lists them" : `did you mean ${near}?`
      return yield* new UsageError({ reason: `--set ${path}: there is no such setting; ${meant}` })
    }
    changed = put(changed, path.split("."), value)
    yield* Settings.decode(changed).pipe(
      Effect.mapError(
        ({ message }) =>
          new UsageError({
            reason: `--set ${path} is ${JSON.stringify(value)}: ${message.replaceAll(/\s*\n\s*/g, " ")}`,
          }),
      ),
    )
  }
  const decoded = yield* Settings.decode(changed).pipe(
    Effect.mapError(({ message }) => new UsageError({ reason: message })),
  )
  const reason = bestRefusal(decoded) ?? temperatureRefusal(decoded)
  return reason === null ? decoded : yield* new UsageError({ reason })
})
