/** The programs of "Roll out on vLLM", against the server double of the sampler's own tests. */
import { expect, it } from "vitest"
import * as Vllm from "../../packages/rollout/test/openai/vllm.ts"
import * as Blocks from "./Blocks.ts"

const page = "docs/guides/rollouts.md"
const [sample, publish] = Blocks.of(page).filter(Blocks.isCode)

it("samples a group, and publishes a policy", async () => {
  const server = await Vllm.start()
  try {
    const replace = { "http://127.0.0.1:8000": server.url }
    const [before, version] = await Blocks.run(page, [sample, publish], replace)
    expect(before).toHaveLength(4)
    for (const line of before) expect(line).toMatch(/^0 (?:stop|length) /)
    expect(version).toEqual(["1"])
    expect([...server.adapters]).toEqual([["policy-1", "/shared/adapters/1"]])
  } finally {
    await server.close()
  }
})
