/** Chat templates that mean harm. */
import { Effect } from "effect"
import { expect, it } from "vitest"
import * as ChatTemplate from "../src/tokenizer/ChatTemplate.ts"

const messages = [{ role: "user" as const, content: "hi" }]
export const render = (source: string, variables: Readonly<Record<string, unknown>> = {}) =>
  Effect.flatMap(ChatTemplate.make(source, {}), (template) => template.render(messages, variables))
export const nested = (depth: number, body: string): string =>
  Array.from({ length: depth }, (_, i) => `{% for x${i} in range(100000) %}`).join("") +
  body +
  "{% endfor %}".repeat(depth)
const doubling = (body: string): string => `{% set ns = namespace(a="xx") %}{% for i in range(60) %}${body}{% endfor %}`

/** Each ends in an error, in bounded time, and the next rendering works. */
export const stops = (templates: ReadonlyArray<readonly [name: string, source: string]>): void =>
  it.each(templates)(
    "stops %s",
    async (_, source) => {
      const error = await Effect.runPromise(Effect.flip(render(source)))
      expect(error.message).toMatch(/^the chat template refuses: ./)
      expect(await Effect.runPromise(render("{{ messages[0].content }}"))).toBe("hi")
    },
    60_000,
  )

export const quick: ReadonlyArray<readonly [name: string, source: string]> = [
  ["one loop over too much", "{% for x in range(10000000000) %}{% endfor %}"],
  ["a doubling sum", `${doubling("{% set ns.a = ns.a + ns.a %}")}{{ ns.a }}`],
  ["a doubling tilde", `${doubling("{% set ns.a = ns.a ~ ns.a %}")}{{ ns.a }}`],
  ["a macro that calls itself", "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}"],
  ["an exception", '{{ raise_exception("no") }}'],
]
/** These take all of the time that they are given. */
export const slow: ReadonlyArray<readonly [name: string, source: string]> = [
  ["nested loops", nested(3, "")],
  ["nested loops that write", nested(2, "x")],
  ["a doubling replace", `${doubling('{% set ns.a = ns.a | replace("x", "xx") %}')}{{ ns.a }}`],
  [
    "a doubling list",
    "{% set ns = namespace(a=[1,1]) %}{% for i in range(60) %}{% set ns.a = ns.a + ns.a %}{% endfor %}",
  ],
  [
    "a macro that doubles",
    "{% macro f(n) %}{% if n > 0 %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(60) }}",
  ],
  [
    "a long text",
    '{{ "xxxxxxxxxxxxxxxx" | replace("x", messages[0].content) }}{% for i in range(20000000) %}x{% endfor %}',
  ],
]
