/**
 * Curves on an MLflow server, by its REST interface, which Databricks and GitLab also provide. A run here is one run there, found
 * again by its id. The server tells the last step it has of each metric, so nothing is sent twice.
 *
 * @module
 */
import { Clock, Effect, Result, Schema } from "effect"
import * as Request from "../internal/request.ts"
import type { Config } from "../RunStore.ts"
import { type Opened, type Point, type Tracker } from "./Tracker.ts"

/** @category models */
export interface Options {
  /** The server's address, such as `http://127.0.0.1:5000`. */
  readonly url: string
  /** Created if it does not exist. Default `lpo`. */
  readonly experiment?: string
  /** Such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>
}

const State = Schema.Struct({ url: Schema.String, run: Schema.String })
const Id = Schema.Struct({ experiment_id: Schema.String })
const Found = Schema.Struct({ experiment: Id })
const Created = Schema.Struct({ run: Schema.Struct({ info: Schema.Struct({ run_id: Schema.String }) }) })
const Kept = Schema.Struct({
  run: Schema.Struct({
    data: Schema.Struct({
      metrics: Schema.optionalKey(
        Schema.Array(
          Schema.Struct({
            key: Schema.String,
            // 64-bit integers are strings in some servers' JSON.
            step: Schema.optionalKey(Schema.Union([Schema.Finite, Schema.String])),
          }),
        ),
      ),
    }),
  }),
})
const Anything = Schema.Unknown

/** Largest number of metrics and parameters per request. */
const mostMetrics = 1000
const mostParams = 100
/** Longest value of a parameter. */
const mostText = 500

const leaves = (value: unknown, path = ""): ReadonlyArray<readonly [string, string]> =>
  value !== null && typeof value === "object" && !Array.isArray(value)
    ? Object.entries(value).flatMap(([key, inner]) => leaves(inner, path === "" ? key : `${path}.${key}`))
    : [[path, typeof value === "string" ? value : (JSON.stringify(value) ?? "")]]

const paramsOf = (config: Config) =>
  leaves(config).map(([key, value]) => ({ key: key.replaceAll(/[^\w\-. /]/g, "_"), value: value.slice(0, mostText) }))

const chunks = <A>(all: ReadonlyArray<A>, size: number): ReadonlyArray<ReadonlyArray<A>> =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size))

/** @category constructors */
export const make = ({ experiment = "lpo", headers = {}, url }: Options): Tracker => {
  const tracker = "mlflow"
  const base = `${url.replace(/\/+$/, "")}/api/2.0/mlflow`
  const post = <A>(path: string, body: unknown, schema: Schema.Codec<A, unknown>) =>
    Request.ask(schema, { tracker, url: `${base}/${path}`, body, headers })
  const get = <A>(path: string, query: Readonly<Record<string, string>>, schema: Schema.Codec<A, unknown>) =>
    Request.ask(schema, {
      tracker,
      url: `${base}/${path}?${new URLSearchParams(query).toString()}`,
      body: null,
      headers,
    })

  const experimentId = get("experiments/get-by-name", { experiment_name: experiment }, Found).pipe(
    Effect.map((found) => found.experiment.experiment_id),
    Effect.catch((error) =>
      error.reason.includes("RESOURCE_DOES_NOT_EXIST")
        ? Effect.map(post("experiments/create", { name: experiment }, Id), (made) => made.experiment_id)
        : Effect.fail(error),
    ),
  )
  return {
    name: tracker,
    open: Effect.fn("Mlflow.open")(function* (opening) {
      const known = Schema.decodeUnknownResult(State)(opening.state)
      const create = Effect.gen(function* () {
        const experiment_id = yield* experimentId
        const start_time = yield* Clock.currentTimeMillis
        const made = yield* post("runs/create", { experiment_id, run_name: opening.name, start_time }, Created)
        const run_id = made.run.info.run_id
        for (const params of chunks(paramsOf(opening.config), mostParams))
          yield* post("runs/log-batch", { run_id, params }, Anything)
        return run_id
      })
      const run_id = Result.isSuccess(known) && known.success.url === url ? known.success.run : yield* create
      const read = Effect.map(
        get("runs/get", { run_id }, Kept),
        ({ run }) => new Map((run.data.metrics ?? []).map(({ key, step }) => [key, Number(step ?? 0)])),
      )
      let last = yield* read
      if (Result.isSuccess(known)) yield* post("runs/update", { run_id, status: "RUNNING" }, Anything)
      // A failed batch may be partly written.
      let isSure = true
      const send = (points: ReadonlyArray<Point>) =>
        Effect.gen(function* () {
          if (!isSure) last = yield* read
          isSure = false
          const metrics = points.flatMap(({ step, time, values }) =>
            Object.entries(values).flatMap(([key, value]) =>
              (last.get(key) ?? -1) >= step ? [] : [{ key, value, timestamp: Math.round(time), step }],
            ),
          )
          for (const part of chunks(metrics, mostMetrics))
            yield* post("runs/log-batch", { run_id, metrics: part }, Anything)
          isSure = true
          for (const { key, step } of metrics) last.set(key, step)
        })
      return {
        state: { url, run: run_id },
        last: (name) => last.get(name) ?? -1,
        send,
        close: (finished) =>
          Effect.gen(function* () {
            const end_time = yield* Clock.currentTimeMillis
            yield* post("runs/update", { run_id, status: finished ? "FINISHED" : "KILLED", end_time }, Anything)
          }),
      } satisfies Opened
    }),
  }
}

/** Why an address cannot be a server's; null if it can. @category predicates */
export const urlRefusal = (url: string): string | null => {
  if (!URL.canParse(url)) return `"${url}" is not an address; give one such as http://127.0.0.1:5000`
  const { password, protocol, username } = new URL(url)
  if (protocol !== "http:" && protocol !== "https:") return `${url} is neither http nor https`
  return username + password === ""
    ? null
    : `${protocol}//... has a password in it, which the run would record; give it in the environment`
}
