/** The trackers of `--tracker`, which draw a run's curves; keys come from the environment, because a run records its settings. */
import { Mlflow, OpenTelemetry, TensorBoard, type Tracker, Trackio } from "@lpo/trainer"
import { Effect, Layer } from "effect"
import { find, UsageError } from "./Usage.ts"

type Environment = Readonly<Record<string, string | undefined>>

/** The HTTP header for a name and password, or for a token; none for neither. */
const mlflowHeaders = (env: Environment): Readonly<Record<string, string>> => {
  const { MLFLOW_TRACKING_PASSWORD: password, MLFLOW_TRACKING_TOKEN: token, MLFLOW_TRACKING_USERNAME: user } = env
  if (token !== undefined) return { authorization: `Bearer ${token}` }
  if (user === undefined) return {}
  return { authorization: `Basic ${Buffer.from(`${user}:${password ?? ""}`).toString("base64")}` }
}

/** OpenTelemetry's format: `name=value`, comma-separated. */
const otlpHeaders = (env: Environment): Readonly<Record<string, string>> =>
  Object.fromEntries(
    (env["OTEL_EXPORTER_OTLP_HEADERS"] ?? "").split(",").flatMap((pair) => {
      const at = pair.indexOf("=")
      return at < 1 ? [] : [[pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())]]
    }),
  )

/** How each is made from the value after its "=", null for none. */
interface Kind {
  readonly needs: "url" | "nothing"
  readonly make: (value: string, env: Environment) => Tracker.Tracker
}

const kinds: Readonly<Record<string, Kind>> = {
  tensorboard: { needs: "nothing", make: (folder) => TensorBoard.make(folder === "" ? {} : { folder }) },
  mlflow: { needs: "url", make: (url, env) => Mlflow.make({ url, headers: mlflowHeaders(env) }) },
  trackio: {
    needs: "url",
    make: (url, { TRACKIO_WRITE_TOKEN: token }) => Trackio.make({ url, ...(token === undefined ? {} : { token }) }),
  },
  otlp: { needs: "url", make: (url, env) => OpenTelemetry.make({ url, headers: otlpHeaders(env) }) },
}

const wandb =
  "W&B has no maintained JavaScript client; give --tracker tensorboard, and import its files with W&B's own tool: wandb sync RUN/tensorboard"

/** The parts of a tracker's `name` or `name=value`. */
const parts = (text: string): readonly [name: string, value: string] => {
  const at = text.indexOf("=")
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)]
}

/** Fails with a `UsageError` if something is wrong with a tracker. */
export const check = Effect.fn("Trackers.check")(function* (texts: ReadonlyArray<string>) {
  for (const text of texts) {
    const [name, value] = parts(text)
    if (name === "wandb") return yield* new UsageError({ reason: `--tracker is wandb; ${wandb}` })
    const { needs } = yield* find("tracker", name, kinds)
    const refusal = needs === "url" ? Mlflow.urlRefusal(value) : null
    if (refusal !== null) return yield* new UsageError({ reason: `--tracker ${name}: ${refusal}` })
    if (texts.filter((other) => parts(other)[0] === name).length > 1)
      return yield* new UsageError({ reason: `--tracker ${name} is given twice; give it once` })
  }
  return texts
})

/** Makes the trackers from checked texts. */
export const make = (texts: ReadonlyArray<string>, env: Environment = process.env): ReadonlyArray<Tracker.Tracker> =>
  texts.map((text) => {
    const [name, value] = parts(text)
    return kinds[name].make(value, env)
  })

/** Spans and logs of the program, if OTLP is on. */
export const spans = (
  texts: ReadonlyArray<string>,
  run: string,
  env: Environment = process.env,
): Layer.Layer<never> => {
  const url = texts.map(parts).find(([name]) => name === "otlp")?.[1]
  return url === undefined ? Layer.empty : OpenTelemetry.spans({ url, headers: otlpHeaders(env) }, run)
}
