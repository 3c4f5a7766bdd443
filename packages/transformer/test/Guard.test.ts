/** Chat templates that mean harm: each ends in an error, in bounded time, and the next rendering works. */
import { Effect, Fiber } from "effect"
import { expect, it } from "vitest"
import * as ChatTemplate from "../src/tokenizer/ChatTemplate.ts"
import * as ModelConfig from "../src/model/ModelConfig.ts"

const messages = [{ role: "user" as const, content: "hi" }]
const render = (source: string, variables: Readonly<Record<string, unknown>> = {}) =>
  Effect.flatMap(ChatTemplate.make(source, {}), (template) => template.render(messages, variables))
const nested = (depth: number, body: string): string =>
  Array.from({ length: depth }, (_, i) => `{% for x${i} in range(100000) %}`).join("") +
  body +
  "{% endfor %}".repeat(depth)
const doubling = (body: string): string => `{% set ns = namespace(a="xx") %}{% for i in range(60) %}${body}{% endfor %}`

it.each<[name: string, source: string]>([
  ["nested loops", nested(3, "")],
  ["nested loops that write", nested(2, "x")],
  ["one loop over too much", "{% for x in range(10000000000) %}{% endfor %}"],
  ["a doubling sum", `${doubling("{% set ns.a = ns.a + ns.a %}")}{{ ns.a }}`],
  ["a doubling replace", `${doubling('{% set ns.a = ns.a | replace("x", "xx") %}')}{{ ns.a }}`],
  ["a doubling tilde", `${doubling("{% set ns.a = ns.a ~ ns.a %}")}{{ ns.a }}`],
  [
    "a doubling list",
    "{% set ns = namespace(a=[1,1]) %}{% for i in range(60) %}{% set ns.a = ns.a + ns.a %}{% endfor %}",
  ],
  ["a macro that calls itself", "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}"],
  [
    "a macro that doubles",
    "{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
  ],
  ["an exception", '{{ raise_exception("no") }}'],
  [
    "a long text",
    '{{ "xxxxxxxxxxxxxxxx" | replace("x", messages[0].content) }}{% for i in range(20000000) %}x{% endfor %}',
  ],
])(
  "stops %s",
  async (_, source) => {
    const error = await Effect.runPromise(Effect.flip(render(source)))
    expect(error.message).toMatch(/^the chat template refuses: ./)
    expect(await Effect.runPromise(render("{{ messages[0].content }}"))).toBe("hi")
  },
  60_000,
)

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

it("refuses variables that no thread can be given, and a template that is too long", async () => {
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
