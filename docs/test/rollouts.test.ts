/** The examples of "Roll out on vLLM", against the server double of the sampler's own tests. */
import { Effect } from "effect"
import { expect, it } from "vitest"
import * as Vllm from "../../packages/rollout/test/openai/vllm.ts"
import { layer, publish, sample } from "../examples/rollouts.ts"

it("samples a group from the policy that was published last", async () => {
  const server = await Vllm.start()
  try {
    const program = Effect.gen(function* () {
      const before = yield* sample
      const version = yield* publish
      return { before, version, after: yield* sample }
    })
    const { after, before, version } = await Effect.runPromise(Effect.provide(program, layer([server.url])))
    expect(before[0].completions.map((c) => c.policyVersion)).toEqual([0, 0, 0, 0])
    expect(version).toBe(1)
    expect(after[0].completions.map((c) => c.policyVersion)).toEqual([1, 1, 1, 1])
    expect(Array.from(after[0].promptTokens)).toEqual([1, 2, 3])
    expect([...server.adapters]).toEqual([["policy-1", "/shared/adapters/1"]])
  } finally {
    await server.close()
  }
})
