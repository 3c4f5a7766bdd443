import { readFile } from "node:fs/promises"
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import * as ChatTemplate from "../src/tokenizer/ChatTemplate.ts"
import * as Template from "../src/tokenizer/jinja/Template.ts"
import * as Variables from "../src/tokenizer/Variables.ts"

interface Case {
  readonly name: string
  readonly chat: string
  readonly source: string
  readonly messages: ReadonlyArray<{ readonly role: "system" | "user" | "assistant"; readonly content: string }>
  readonly text?: string
  readonly refused?: string
}

const read = async () => {
  const path = new URL("./fixtures/templates/expected.json", import.meta.url)
  const { cases, tools } = JSON.parse(await readFile(path, "utf8")) as { cases: ReadonlyArray<Case>; tools: string }
  return { cases, tools: Variables.parseJson(tools) }
}

const { cases, tools } = await read()

describe("templates with what published ones have, as transformers renders them", () => {
  it.each(cases)("$name: $chat", async ({ messages, refused, source, text }) => {
    const template = await Effect.runPromise(ChatTemplate.make(source, {}))
    const rendered = template.render(messages, { tools, enable_thinking: false, date: "2024-07-04T09:05" })
    if (refused === undefined) expect(await Effect.runPromise(rendered)).toBe(text)
    else expect((await Effect.runPromise(Effect.flip(rendered))).message).toMatch(/the chat template refuses/)
  })
})

interface Construct {
  readonly source: string
  readonly text?: string
}

it("what Jinja has, construct by construct: the same text, or both refuse", async () => {
  const path = new URL("./fixtures/templates/constructs.json", import.meta.url)
  const { cases, variables } = JSON.parse(await readFile(path, "utf8")) as {
    readonly variables: string
    readonly cases: ReadonlyArray<Construct>
  }
  const render = (source: string): string | null => {
    try {
      return Template.compile(source)(Variables.parseJson(variables) as Record<string, unknown>)
    } catch {
      return null
    }
  }
  const refused: Array<string> = []
  for (const { source, text } of cases) {
    const ours = render(source)
    if (ours === null && text !== undefined) refused.push(source)
    else expect(ours, source).toBe(text ?? null)
  }
  // What is not implemented is refused by name.
  expect(refused).toEqual(notImplemented)
})

const notImplemented = [
  "{{ ('<b>' | escape) + '<i>' }}",
  "{{ n.real }}",
  "{{ f.real }}",
  "{{ 'foo bar baz' | wordwrap(7) }}",
  "{{ 1000000 | filesizeformat }}",
  "{{ 'a b' | urlencode }}",
  "{{ {'a': 'b c'} | urlencode }}",
  "{{ {'a': 'b c'} | xmlattr }}",
  "{{ '<a>x</a> y' | striptags }}",
  "{% for x in l %}{{ loop }}{% endfor %}",
  "{{ '\\N{BULLET}' }}",
]
