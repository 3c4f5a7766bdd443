/**
 * Curves over OTLP, to a collector or anything else that accepts it: a gauge per value, `lpo.train.reward`, exported after every
 * report. The run is an attribute of the resource. OTLP uses time, not steps: `lpo.step` shows the current step.
 *
 * @module
 */
import { Effect, Layer, Metric } from "effect"
import { FetchHttpClient, HttpClient } from "effect/http"
import { Otlp, OtlpExporter, OtlpMetrics, OtlpSerialization } from "effect/observability"
import { type Opened, type Point, type Tracker, TrackerError } from "./Tracker.ts"

/** @category models */
export interface Options {
  /** The collector's address without `/v1/metrics`, such as `http://127.0.0.1:4318`. */
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
}

const resource = (name: string) => ({ serviceName: "lpo", attributes: { "lpo.run": name } })

/** Time between the exporter's own exports: reports are flushed, so this only keeps the series alive. */
const interval = "5 minutes"

/** @category constructors */
export const make = ({ headers = {}, url }: Options): Tracker => {
  const tracker = "otlp"
  const target = `${url.replace(/\/+$/, "")}/v1/metrics`
  return {
    name: tracker,
    open: Effect.fn("OpenTelemetry.open")(function* (opening) {
      // The exporter does not report its failures: they are detected in its requests.
      let [answered, refused] = [0, ""]
      const client = Layer.effect(
        HttpClient.HttpClient,
        Effect.map(HttpClient.HttpClient, (inner) =>
          inner.pipe(
            HttpClient.tap(({ status }) =>
              Effect.sync(() => {
                if (status < 300) answered++
                else refused = `HTTP ${status}`
              }),
            ),
            HttpClient.tapError((error) => Effect.sync(() => void (refused = error.message))),
          ),
        ),
      ).pipe(Layer.provide(FetchHttpClient.layer))
      const registry = new Map()
      const exporter = OtlpMetrics.layer({
        url: target,
        headers,
        resource: resource(opening.name),
        exportInterval: interval,
      }).pipe(
        Layer.provideMerge(OtlpExporter.layerFlusher),
        Layer.provide([OtlpSerialization.layerJson, client, Layer.succeed(Metric.MetricRegistry, registry)]),
      )
      const context = yield* Layer.build(exporter)
      const gauges = new Map<string, Metric.Gauge<number>>()
      const set = (name: string, value: number) => {
        const gauge = gauges.get(name) ?? Metric.gauge(`lpo.${name.replaceAll("/", ".")}`)
        gauges.set(name, gauge)
        return Metric.update(gauge, value)
      }
      const send = (points: ReadonlyArray<Point>) =>
        Effect.gen(function* () {
          const { flush } = yield* OtlpExporter.Flusher
          for (const { step, values } of points) {
            yield* set("step", step)
            for (const [name, value] of Object.entries(values)) yield* set(name, value)
            const before = answered
            yield* flush
            if (answered === before)
              return yield* new TrackerError({
                tracker,
                reason: `${target}: ${refused === "" ? "no answer" : refused}`,
                transient: false,
              })
          }
        }).pipe(Effect.provideService(Metric.MetricRegistry, registry), Effect.provide(context))
      return {
        state: null,
        // A late point would get the current time: what was missed stays missed.
        last: () => opening.step - 1,
        send,
        close: () => Effect.void,
      } satisfies Opened
    }),
  }
}

/** Spans and logs of a program over OTLP, in addition to the metrics of {@link make}. @category layers */
export const spans = ({ headers = {}, url }: Options, name: string): Layer.Layer<never> =>
  // The library itself decides when to flush.
  Otlp.layerJson({
    baseUrl: url,
    headers,
    resource: resource(name),
    loggerMergeWithExisting: true,
    shutdownTimeout: "3 seconds",
  }).pipe(Layer.provide(FetchHttpClient.layer)) as Layer.Layer<never>
