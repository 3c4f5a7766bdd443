/** Few sequences of a large model are decoded by all workers together. */
import { Parameters, Policy } from "@lpo/transformer"
import { Effect } from "effect"
import { expect, it, vi } from "vitest"
import { config, tokenizer } from "../tiny.ts"

it("a policy forms a team for fewer sequences than workers, of a model that no cache holds", async () => {
  const large = {
    ...config,
    hidden_size: 512,
    intermediate_size: 1536,
    num_hidden_layers: 3,
    max_position_embeddings: 256,
  }
  // Longer than a step of the prefill, and rows of it that do not pass the team's memory at once.
  const prompt = Int32Array.from({ length: 130 }, (_, i) => i % 11)
  const sample = (workers: number) =>
    Effect.gen(function* () {
      const policy = yield* Policy.make(large, tokenizer, Parameters.initialise(large, "team"), { workers })
      const withAll = vi.spyOn(policy.pool, "withAll")
      const single = yield* policy.generate([{ prompt, streams: ["one"] }], { maxTokens: 6 })
      const teams = withAll.mock.calls.length
      yield* policy.generate([{ prompt: prompt.subarray(0, 2), streams: ["one", "two"] }], { maxTokens: 1 })
      return { single, teams: [teams, withAll.mock.calls.length] }
    }).pipe(Effect.scoped, Effect.runPromise)
  const [alone, together] = [await sample(1), await sample(2)]
  expect(together.single).toEqual(alone.single)
  expect([alone.teams, together.teams]).toEqual([
    [0, 0],
    [1, 1],
  ])
})
