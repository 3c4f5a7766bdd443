import { OpenAiSampler } from "@lpo/rollout"
import { AdapterPublisher, Policy, TransformerLearner } from "@lpo/transformer"
import { Layer } from "effect"

// #region layers
/** `policy` is made with `Policy.make(config, tokenizer, values, { lora })`; the rest is for `Trainer.train`. */
export const layers = (policy: Policy.PolicyService, servers: ReadonlyArray<string>, folder: string) => {
  const engine = Layer.provideMerge(TransformerLearner.layer(), Layer.succeed(Policy.Policy, policy))
  const rollouts = OpenAiSampler.layer({ servers, model: "base", adapterName: "run-1" })
  return AdapterPublisher.layer({ folder }).pipe(Layer.provide(engine), Layer.provideMerge(rollouts))
}
// #endregion layers
