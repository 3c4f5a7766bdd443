/**
 * A sampling session: one set of weights, and requests numbered from 0 in it. `sample` submits and gives the effect that
 * awaits the answer; a server that asks for back-pressure is sent the same request, with the same number, a little later.
 *
 * @module
 */
import { Received } from "@lpo/rollout"
import { Effect, Ref } from "effect"
import { type ModelInput, positions } from "./Datum.ts"
import { modelInput } from "./Encoding.ts"
import * as Backoff from "./Backoff.ts"
import * as Future from "./Future.ts"
import * as Grace from "./Grace.ts"
import * as Protobuf from "./Protobuf.ts"
import { Samples } from "./Protocol.ts"
import type { ServerProfile } from "./ServerProfile.ts"
import type { Submitted } from "./TrainingModel.ts"
import * as Transport from "./Transport.ts"

/** @category models */
export interface SampleRequest {
  readonly prompt: ModelInput
  /** Completions, >= 1. */
  readonly samples: number
  /** Tokens, >= 1. */
  readonly maxTokens: number
  readonly temperature: number
  readonly topP: number
  /** -1 is off. */
  readonly topK: number
  readonly seed?: number
  /** Token ids, or strings, that end a completion; always sent as a list. Servers do not stop at an end token by themselves. */
  readonly stop: ReadonlyArray<number> | ReadonlyArray<string>
  /** Log-probs of the prompt's tokens too. */
  readonly promptLogprobs?: boolean
  /** The most likely tokens at each place of the prompt, and how many. */
  readonly topkPromptLogprobs?: number
}

/** A completion with its numbers checked. @category models */
export interface Sequence extends Received.Checked {
  /** Its place among the samples. */
  readonly index: number
  readonly finish: "stop" | "length"
}

/** What asample gives, its completions sorted into those that can be used and those to ask for again. @category models */
export interface Sampled extends Pick<Samples, "prompt_logprobs" | "topk_prompt_logprobs"> {
  readonly sequences: ReadonlyArray<Sequence>
  readonly lost: ReadonlyArray<{ readonly index: number; readonly reason: string }>
}

/** @category models */
export interface SamplingSession {
  readonly id: string
  readonly sample: (request: SampleRequest) => Submitted<Sampled>
}

const sorted = ({ sequences, ...rest }: Samples, maxTokens: number): Sampled => {
  const usable: Array<Sequence> = []
  const lost: Array<{ index: number; reason: string }> = []
  for (const [index, { logprobs, stop_reason: finish, tokens }] of sequences.entries()) {
    const checked =
      finish === "stop" || finish === "length"
        ? Received.completion(tokens, logprobs, maxTokens)
        : `its stop_reason is ${JSON.stringify(finish)}`
    if (typeof checked === "string") lost.push({ index, reason: checked })
    else usable.push({ index, ...checked, finish: finish as Sequence["finish"] })
  }
  return { ...rest, sequences: usable, lost }
}

/** @category constructors */
export const make = Effect.fn("SamplingSession.make")(function* (options: {
  readonly id: string
  readonly transport: Transport.Transport
  readonly profile: ServerProfile
}) {
  const { id, profile, transport } = options
  const next = yield* Ref.make(0)
  const session: SamplingSession = {
    id,
    sample: (request) =>
      Effect.gen(function* () {
        const seqId = yield* Ref.getAndUpdate(next, (n) => n + 1)
        const op: Future.Operation<Samples> = {
          operation: "asample",
          path: "/asample",
          body: Transport.json({
            sampling_session_id: id,
            seq_id: seqId,
            num_samples: request.samples,
            prompt: modelInput(request.prompt),
            sampling_params: {
              max_tokens: request.maxTokens,
              temperature: request.temperature,
              top_p: request.topP,
              top_k: request.topK,
              ...(request.seed === undefined ? {} : { seed: request.seed }),
              stop: request.stop,
            },
            ...(request.promptLogprobs === undefined ? {} : { prompt_logprobs: request.promptLogprobs }),
            ...(request.topkPromptLogprobs === undefined ? {} : { topk_prompt_logprobs: request.topkPromptLogprobs }),
          }),
          schema: Samples,
          binary: Protobuf.samples,
          call: {
            backpressure: Backoff.backpressure(positions(request.prompt)),
            headers: { "x-tinker-sampling-backpressure": "1" },
          },
        }
        const requestId = yield* Future.submit(transport, op)
        return Future.await_(transport, profile, op, requestId).pipe(
          Effect.map((answer) => sorted(answer, request.maxTokens)),
        )
      }).pipe(Grace.within),
  }
  return session
})
