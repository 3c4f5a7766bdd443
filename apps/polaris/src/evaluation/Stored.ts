/** Responses sampled earlier, by any program: they are judged as if they had just been sampled. */
import * as Samples from "@lpo/eval/Samples"
import { Dataset, type Problem, RolloutError, type Verdict } from "@lpo/rollout"
import { Verifier } from "@lpo/verifiers"
import { Effect, Result, Schema, Stream } from "effect"

const Text = Schema.Struct({
  text: Schema.String,
  length: Schema.optionalKey(Schema.Int),
  truncated: Schema.optionalKey(Schema.Boolean),
  surprise: Schema.optionalKey(Schema.Finite),
})

/** A line: the problem by its id, or by its place in the benchmark (from 0), and its responses. */
const Line = Schema.Struct({
  problem: Schema.optionalKey(Schema.Union([Schema.String, Schema.Int])),
  place: Schema.optionalKey(Schema.Int),
  responses: Schema.optionalKey(Schema.Array(Schema.Union([Schema.String, Text]))),
  samples: Schema.optionalKey(Schema.Array(Text)),
})

const decode = Schema.decodeUnknownResult(Line)

const responseOf = (given: string | typeof Text.Type, verdict: Verdict.Verdict): Samples.Response => {
  const { text, ...known } = typeof given === "string" ? { text: given } : given
  const { correct, extracted, key, reason, score, status } = verdict
  return {
    status,
    correct,
    score,
    key,
    // What the file does not say is unknown: lengths and log-probs come from a sampler.
    length: 0,
    truncated: false,
    surprise: 0,
    ...known,
    text,
    ...(extracted === undefined ? {} : { extracted }),
    ...(reason === undefined ? {} : { reason }),
  }
}

/**
 * The rows of a file of responses, judged, problem by problem; only a few lines of the file are in memory. Fails with a
 * `DatasetError` for a line whose problem is not in the set, or was on an earlier line.
 */
export const rows = (
  path: string,
  problems: ReadonlyArray<Problem.Problem>,
): Stream.Stream<Samples.Row, RolloutError.DatasetError, Verifier.Verifier> =>
  Stream.unwrap(
    Effect.gen(function* () {
      const verifier = yield* Verifier.Verifier
      const file = yield* Dataset.open(path)
      const seen = new Set<number>()
      const places = new Map(problems.map(({ id }, place) => [id, place]))
      const placeOf = ({ place, problem }: typeof Line.Type): number | undefined =>
        place ?? (typeof problem === "number" ? problem : problem === undefined ? undefined : places.get(problem))
      return file.stream.pipe(
        Stream.mapEffect(({ index, value }) =>
          Effect.gen(function* () {
            if (Result.isFailure(value)) return yield* value.failure
            const line = decode(value.success)
            if (Result.isFailure(line))
              return yield* yield* file.error(
                index,
                `is not a row of responses (${line.failure.message.replaceAll(/\n */g, " ")}); give {"problem": ID, "responses": [TEXT, ...]}`,
              )
            const { responses, samples } = line.success
            const place = placeOf(line.success)
            const problem = place === undefined ? undefined : problems[place]
            const given = responses ?? samples
            if (problem === undefined || place === undefined || given === undefined)
              return yield* yield* file.error(
                index,
                given === undefined
                  ? 'has no responses; give "responses", a list of texts'
                  : `has problem ${JSON.stringify(line.success.problem ?? line.success.place)}, which is not among the ${problems.length} problems; give an id, or a place from 0`,
              )
            if (seen.has(place))
              return yield* yield* file.error(
                index,
                `is the second row for problem ${JSON.stringify(problem.id)}; put all its responses on one line`,
              )
            seen.add(place)
            const verdicts = yield* Verifier.batch(
              verifier,
              given.map((one) => ({
                problem,
                completion: { text: typeof one === "string" ? one : one.text, finish: "stop" as const },
              })),
            )
            const row: Samples.Row = {
              place,
              problem: problem.id,
              samples: given.map((one, k) => responseOf(one, verdicts[k])),
            }
            return row
          }),
        ),
      )
    }),
  )
