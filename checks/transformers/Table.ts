/**
 * Templates, strings, configurations and adapters compared with transformers: one table, in which a silent difference is a failure.
 */
import { readFileSync } from "node:fs"
import { join } from "node:path"
import type { Problem } from "@lpo/rollout"
import { Checkpoint, HfTokenizer, type Lora, LoraFiles, Replica, Variables } from "@lpo/transformer"
import { Effect, Result } from "effect"
import type { TokenizerFacts } from "../../packages/transformer/test/fixtures.ts"
import { gap } from "../../packages/transformer/test/fixtures.ts"
import * as ChatTemplate from "../../packages/transformer/src/tokenizer/ChatTemplate.ts"
import * as Template from "../../packages/transformer/src/tokenizer/jinja/Template.ts"
import * as Upstream from "../../packages/transformer/src/tokenizer/Upstream.ts"

/** The outcome of one comparison: equal, refused by both or by one with a reason, or silently different. */
type Outcome = "same" | "refused here" | "refused there" | "refused by both" | "different"

/** A row of the table. */
export interface Row {
  readonly what: string
  readonly outcomes: ReadonlyArray<readonly [name: string, outcome: Outcome]>
}

const outcome = (theirs: boolean, ours: boolean, same: () => boolean): Outcome => {
  if (theirs && ours) return same() ? "same" : "different"
  return theirs ? "refused here" : ours ? "refused there" : "refused by both"
}

const attempt = <A>(effect: Effect.Effect<A, { readonly message: string }>) => Effect.runPromise(Effect.result(effect))

interface Rendering {
  readonly name: string
  readonly chat: string
  readonly source: string
  readonly messages: ReadonlyArray<Problem.Message>
  readonly text?: string
}

const templates = async (root: string): Promise<Row> => {
  const file = join(root, "templates", "expected.json")
  const { cases, tools } = JSON.parse(readFileSync(file, "utf8")) as { cases: ReadonlyArray<Rendering>; tools: string }
  const variables = { tools: Variables.parseJson(tools), enable_thinking: false, date: "2024-07-04T09:05" }
  const outcomes: Array<readonly [string, Outcome]> = []
  for (const { chat, messages, name, source, text } of cases) {
    const ours = await attempt(
      Effect.flatMap(ChatTemplate.make(source, {}), ({ render }) => render(messages, variables)),
    )
    const same = () => Result.isSuccess(ours) && ours.success === text
    outcomes.push([`${name}: ${chat}`, outcome(text !== undefined, Result.isSuccess(ours), same)])
  }
  return { what: "templates x conversations", outcomes }
}

/** Every filter, test, method and operator on every kind of value. */
const constructs = (root: string): Row => {
  const { cases, variables } = JSON.parse(readFileSync(join(root, "templates", "constructs.json"), "utf8")) as {
    readonly variables: string
    readonly cases: ReadonlyArray<Pick<Rendering, "source" | "text">>
  }
  const outcomes = cases.map(({ source, text }): readonly [string, Outcome] => {
    const ours = Result.try(() =>
      Template.compile(source)(Variables.parseJson(variables) as Readonly<Record<string, unknown>>),
    )
    const same = () => Result.isSuccess(ours) && ours.success === text
    return [source, outcome(text !== undefined, Result.isSuccess(ours), same)]
  })
  return { what: "constructs of Jinja", outcomes }
}

interface Added {
  readonly bases: Readonly<Record<string, object>>
  readonly cases: ReadonlyArray<{
    readonly kind: string
    readonly added: ReadonlyArray<object>
    readonly encoded: ReadonlyArray<{ readonly text: string; readonly ids: ReadonlyArray<number> }>
  }>
}

const strings = async (root: string, made: ReadonlyArray<TokenizerFacts & { readonly name: string }>): Promise<Row> => {
  const outcomes: Array<readonly [string, Outcome]> = []
  const { bases, cases } = JSON.parse(readFileSync(join(root, "added-tokens", "expected.json"), "utf8")) as Added
  for (const { added, encoded, kind } of cases) {
    const tokenizer = Upstream.make(structuredClone({ ...bases[kind], added_tokens: added }), {})
    for (const { ids, text } of encoded) {
      const ours = text === "" ? [] : tokenizer.encode(text, { add_special_tokens: false }).ids
      outcomes.push([`${kind}: ${JSON.stringify(text)}`, ours.join() === ids.join() ? "same" : "different"])
    }
  }
  for (const { chats, encoded, name } of made) {
    const tokenizer = await Effect.runPromise(HfTokenizer.load(join(root, `tokenizer-${name}`)))
    for (const { bare, decoded, ids, text } of encoded) {
      const ours = await Effect.runPromise(tokenizer.encode(text))
      const same =
        ours.join() === ids.join() &&
        (await Effect.runPromise(tokenizer.encodeBare(text))).join() === bare.join() &&
        tokenizer.decode(ours) === decoded
      outcomes.push([`${name}: ${JSON.stringify(text)}`, same ? "same" : "different"])
    }
    for (const { ids, messages, options } of chats) {
      const ours = await attempt(tokenizer.encodeChat(messages, options))
      const same = () => Result.isSuccess(ours) && ours.success.join() === ids.join()
      outcomes.push([`${name}: a chat`, outcome(true, Result.isSuccess(ours), same)])
    }
  }
  return { what: "strings x tokenizers", outcomes }
}

interface Computed {
  readonly name: string
  readonly folder: string
  readonly logits?: ReadonlyArray<number>
  readonly eos?: ReadonlyArray<number>
}

/** The logits after the last token. */
const last = async (
  { config, values }: Checkpoint.Checkpoint,
  ids: ReadonlyArray<number>,
  adapter: Lora.Adapter | null,
) => {
  const replica = Replica.make(config, values, { adapter })
  try {
    const [logits] = await replica.logits([Int32Array.from(ids)])
    return logits.slice(-config.vocab_size)
  } finally {
    replica.dispose()
  }
}

/** All comparisons of what `comparisons.py`, `templates.py` and `added_tokens.py` wrote into a folder. */
export const make = async (root: string): Promise<ReadonlyArray<Row>> => {
  const { adapters, configurations, ids, tokenizers } = JSON.parse(
    readFileSync(join(root, "comparisons.json"), "utf8"),
  ) as {
    readonly ids: ReadonlyArray<number>
    readonly tokenizers: ReadonlyArray<TokenizerFacts & { readonly name: string }>
    readonly configurations: ReadonlyArray<Computed>
    readonly adapters: ReadonlyArray<Computed>
  }
  const opened: Array<readonly [string, Outcome]> = []
  for (const { folder, logits, name } of configurations) {
    const ours = await attempt(Checkpoint.open(folder))
    const found = Result.isSuccess(ours) ? await last(ours.success, ids, null) : null
    opened.push([name, outcome(logits !== undefined, found !== null, () => gap(found ?? [], logits ?? []) < 1e-4)])
  }
  const base = await Effect.runPromise(Checkpoint.open(join(root, "base")))
  const adapted: Array<readonly [string, Outcome]> = []
  for (const { folder, logits = [], name } of adapters) {
    const ours = await attempt(LoraFiles.read(base.config, folder, { base: base.values }))
    const found = Result.isSuccess(ours) ? await last(base, ids, ours.success) : null
    adapted.push([name, outcome(true, found !== null, () => gap(found ?? [], logits) < 1e-4)])
  }
  return [
    await templates(root),
    constructs(root),
    await strings(root, tokenizers),
    { what: "configurations", outcomes: opened },
    { what: "PEFT adapters", outcomes: adapted },
  ]
}

/** The table as lines, and what differs silently. */
export const print = (rows: ReadonlyArray<Row>) => {
  const kinds: ReadonlyArray<Outcome> = ["same", "refused by both", "refused here", "refused there", "different"]
  const count = (row: Row, kind: Outcome): number => row.outcomes.filter(([, own]) => own === kind).length
  const cells = rows.map((row) => [row.what, row.outcomes.length, ...kinds.map((kind) => count(row, kind))])
  const lines = [
    ["compared", "cases", "equal", "refused by both", "refused here, by name", "read here alone", "silent differences"],
    ...cells,
  ].map((line) => `| ${line.join(" | ")} |`)
  lines.splice(1, 0, `|${" --- |".repeat(7)}`)
  const named = (kind: Outcome) =>
    rows.flatMap(({ outcomes, what }) => outcomes.filter(([, own]) => own === kind).map(([name]) => `${what}: ${name}`))
  return { lines, different: named("different"), refused: named("refused here"), alone: named("refused there") }
}
