/** Chat templates that mean harm: each ends in an error, in bounded time, and the next rendering works. */
import { Effect, Fiber } from "effect"
import { expect, it } from "vitest"
import * as ModelConfig from "../src/model/ModelConfig.ts"
import { GuardedProcess } from "@lpo/rollout"
import * as Variables from "../src/tokenizer/Variables.ts"
import { nested, quick, render, stops } from "./hostileTemplates.ts"

stops(quick)

it.each([
  ["without an end", nested(3, ""), "it takes longer than 1 s"],
  [
    "that fills the heap in one go",
    "{% set a = ('x' * 20000000) | map('tojson') | list %}",
    "it takes more than 64 MB",
  ],
])("a job %s ends in its process, and the next one gets another", async (_, source, reason) => {
  const seconds = reason.includes("MB") ? 60 : 1
  const run = GuardedProcess.make<string>(new URL("../src/tokenizer/guardWorker", import.meta.url), {
    seconds,
    megabytes: 64,
  })
  const job = { values: Variables.plain({ x: 1.5 }), date: "2026-11-28", maxLength: 9 }
  expect((await Effect.runPromise(Effect.flip(run({ ...job, source })))).message).toBe(reason)
  expect(await Effect.runPromise(run({ ...job, source: "{{ x }}" }))).toBe("1.5")
})

it("is interrupted at once", async () => {
  await Effect.runPromise(
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(render(nested(3, "")))
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      expect(yield* render("{{ messages[0].content }}")).toBe("hi")
    }),
  )
})

it("refuses variables that no process can be given, and a template that is too long", async () => {
  expect((await Effect.runPromise(Effect.flip(render("{{ f() }}", { f: () => 1 })))).message).toMatch(/refuses/)
  expect((await Effect.runPromise(Effect.flip(render("x".repeat(2 ** 21))))).message).toMatch(/2097152 characters/)
})

it("renders many at once, each its own", async () => {
  const names = Array.from({ length: 50 }, (_, i) => `n${i}`)
  const all = Effect.forEach(names, (name) => render("{{ name }}", { name }), { concurrency: "unbounded" })
  expect(await Effect.runPromise(all)).toEqual(names)
})

it.each([1e8, 1e6, 1025, 0, -1, 1.5, 2 ** 53])("refuses %d layers before it reads a weight", async (layers) => {
  const config = {
    model_type: "llama",
    vocab_size: 8,
    hidden_size: 8,
    intermediate_size: 8,
    num_hidden_layers: layers,
    num_attention_heads: 1,
    num_key_value_heads: 1,
    max_position_embeddings: 8,
    rms_norm_eps: 1e-6,
    tie_word_embeddings: true,
  }
  const error = await Effect.runPromise(Effect.flip(ModelConfig.decode(config)))
  expect(error.message).toContain("num_hidden_layers")
})
