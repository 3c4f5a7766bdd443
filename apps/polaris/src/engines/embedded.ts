/** The embedded engine: `@lpo/transformer` samples and learns in this process, on its processor or its GPU. */
import { Policy, TransformerLearner, TransformerSampler } from "@lpo/transformer"
import { Effect, Layer, Schema } from "effect"
import { define, templateOf } from "./Engine.ts"
import * as Here from "./policy.ts"

export const embedded = define({
  name: "embedded",
  takes: ["backend", "workers", "loraRank", "loraAlpha"],
  Settings: Schema.Struct({}),
  settings: () => Effect.succeed({}),
  mayChange: [],
  // The sampler runs on the weights that are trained.
  adapted: () => ({ anchor: "sampled", tempers: true, optimizer: {} }),
  open: (_, asked) =>
    Effect.map(Here.open(asked), ({ memoryMiB, policy, ...opened }) => ({
      ...opened,
      layer: Layer.merge(
        TransformerSampler.layer(templateOf(asked.model)),
        TransformerLearner.layer({ memoryMiB }),
      ).pipe(Layer.provide(Layer.succeed(Policy.Policy, policy))),
    })),
})
