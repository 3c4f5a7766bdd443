/**
 * A reward model behind HTTP as a grader: one `POST` of `{ "prompt": ..., "response": "..." }` to its URL for each response, which it
 * answers with `{ "score": 0.73 }`. `prompt` is what the policy was given, a text or a list of chat messages; `score` is any finite number.
 * With `"correct": true` or `false` beside it the model says itself whether the response is right; otherwise a score of 1 and more is.
 *
 * A server that is busy (429), fails (5xx) or cannot be reached is asked again. What it then does not answer is not a verdict: the
 * response is masked, never trained on as a zero.
 *
 * @module
 */
import { Effect, type Redacted, Schedule, Schema } from "effect"
import * as Http from "./internal/Http.ts"
import { judged } from "./Verdict.ts"
import type { Grader } from "./Verifier.ts"
import { VerifierError } from "./VerifierError.ts"

/** @category models */
export interface Options {
  /** The whole address, such as `http://127.0.0.1:8080/score`. */
  readonly url: string
  /** Sent as a bearer token. */
  readonly key?: Redacted.Redacted | undefined
  /** Longest time for one answer, seconds. Default 30. */
  readonly seconds?: number
  /** How often one response is asked about. Default 4. */
  readonly attempts?: number
}

/** What the server answers. @category models */
export const Answer = Schema.Struct({ score: Schema.Finite, correct: Schema.optionalKey(Schema.Boolean) })

const name = "reward-model"

/** @category constructors */
export const grader = ({ attempts = 4, key, seconds = 30, url }: Options): Grader<unknown> => ({
  name,
  answer: Schema.Unknown,
  grade: (_, response, problem) =>
    Http.json(url, Answer, { body: { prompt: problem?.prompt ?? "", response }, key, seconds }).pipe(
      Effect.tapError(({ retryAfter }) => (retryAfter === null ? Effect.void : Effect.sleep(`${retryAfter} seconds`))),
      Effect.retry({
        schedule: Schedule.exponential("100 millis"),
        times: attempts - 1,
        while: ({ transient }) => transient,
      }),
      Effect.map(({ correct, score }) => judged({ correct: correct ?? score >= 1, score })),
      Effect.mapError(({ message }) => new VerifierError({ verifier: name, reason: message })),
    ),
})
