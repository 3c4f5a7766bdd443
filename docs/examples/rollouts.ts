import { OpenAiSampler, Sampler } from "@lpo/rollout"
import { Effect, Stream } from "effect"

// #region layer
export const layer = (servers: ReadonlyArray<string>) => OpenAiSampler.layer({ servers, model: "base", stops: [11] })
// #endregion layer

// #region sample
export const sample = Effect.gen(function* () {
  const sampler = yield* Sampler.Sampler
  const problems = [{ id: "a", task: "countdown", prompt: "1 2 3", answer: null }]
  return yield* sampler
    .sample(problems, { groupSize: 4, maxTokens: 16, stopStrings: ["</answer>"], seed: "run-1/sample/1" })
    .pipe(Stream.runCollect)
})
// #endregion sample

// #region publish
export const publish = Effect.gen(function* () {
  const adapters = yield* OpenAiSampler.Adapters
  yield* adapters.publish({ version: 1, folder: "/shared/adapters/1" })
  return yield* adapters.version // samples asked for from here on come from version 1
})
// #endregion publish
