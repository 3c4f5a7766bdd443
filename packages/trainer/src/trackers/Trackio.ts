/**
 * Curves on a Trackio server, which you host yourself. Every point has an id made of the run and the step, so the server
 * drops what it already has.
 *
 * @module
 */
import { createHash, randomUUID } from "node:crypto"
import { Effect, Result, Schema } from "effect"
import * as Request from "../internal/request.ts"
import { type Opened, type Point, type Tracker, TrackerError } from "./Tracker.ts"

/** @category models */
export interface Options {
  /** The server's address, such as `http://127.0.0.1:7860`. */
  readonly url: string
  /** Default `lpo`. */
  readonly project?: string
  /** The server's write token. */
  readonly token?: string
}

const State = Schema.Struct({ url: Schema.String, run: Schema.String })
const Answer = Schema.Struct({ error: Schema.optionalKey(Schema.NullOr(Schema.String)) })

/** @category constructors */
export const make = ({ project = "lpo", token, url }: Options): Tracker => {
  const tracker = "trackio"
  const target = `${url.replace(/\/+$/, "")}/api/bulk_log`
  const headers: Readonly<Record<string, string>> = token === undefined ? {} : { "x-trackio-write-token": token }
  return {
    name: tracker,
    open: (opening) =>
      Effect.sync((): Opened => {
        const known = Schema.decodeUnknownResult(State)(opening.state)
        const run = Result.isSuccess(known) && known.success.url === url ? known.success.run : randomUUID()
        const idOf = ({ step, values }: Point): string =>
          createHash("sha256")
            .update(JSON.stringify([run, step, Object.keys(values).sort()]))
            .digest("hex")
            .slice(0, 32)
        let config: unknown = opening.config
        return {
          state: { url, run },
          last: () => -1,
          send: (points) =>
            Request.ask(Answer, {
              tracker,
              url: target,
              headers,
              body: {
                args: [],
                kwargs: {
                  hf_token: null,
                  logs: points.map((point) => ({
                    project,
                    run: opening.name,
                    run_id: run,
                    step: point.step,
                    metrics: point.values,
                    log_id: idOf(point),
                    config,
                  })),
                },
              },
            }).pipe(
              Effect.flatMap(({ error }) =>
                typeof error === "string"
                  ? Effect.fail(new TrackerError({ tracker, reason: `${target}: ${error}`, transient: false }))
                  : Effect.sync(() => void (config = null)),
              ),
            ),
          close: () => Effect.void,
        }
      }),
  }
}
