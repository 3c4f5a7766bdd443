/** `polaris data show`: a row as the model sees it. */
import { Terminal } from "@lpo/rollout"
import { Effect, Result } from "effect"
import { Command, Flag } from "effect/cli"
import * as Own from "../../tasks/Own.ts"
import * as Tokens from "../../data/Tokens.ts"
import { whole } from "../../Usage.ts"
import * as Shared from "./shared.ts"

export const command = Command.make(
  "show",
  {
    data: Shared.data,
    task: Shared.task,
    format: Shared.format,
    model: Shared.model,
    row: Flag.Int("row").pipe(Flag.withDescription("Which row, from 1. Default 1"), Flag.withDefault(1)),
  },
  Effect.fn(function* (flags) {
    const tokenizer = flags.model === null ? null : yield* Tokens.load(flags.model)
    const { format, read, rows, task } = yield* Shared.open(flags, tokenizer?.chatTemplate === null ? "text" : "chat")
    const index = (yield* whole("row", flags.row, 1, rows.length)) - 1
    const [row] = yield* rows.read([index])
    const made = read(row, String(flags.row))
    if (Result.isFailure(made)) return yield* yield* rows.error(index, made.failure.reason)
    const { answer, meta, prompt } = made.success
    yield* Shared.print(`${rows.source}, row ${flags.row} of ${rows.length}, read as ${format}`)
    if (tokenizer === null) {
      const messages = typeof prompt === "string" ? [{ role: "text", content: prompt }] : prompt
      for (const { content, role } of messages) {
        yield* Shared.print(`--- ${role}`)
        for (const part of typeof content === "string" ? [{ type: "text" as const, text: content }] : content)
          yield* Shared.print(part.type === "text" ? part.text : `[image: ${part.format}, ${part.data.length} bytes]`)
      }
    } else {
      const tokens = yield* Tokens.encode(tokenizer, prompt)
      yield* Shared.print(`--- prompt, ${Terminal.counted(tokens.length, "token")}`)
      yield* Shared.print(tokenizer.decode(tokens))
    }
    yield* Shared.print(`--- answer\n${Shared.json(answer)}`)
    if (meta !== undefined) yield* Shared.print(`--- meta\n${Shared.json(meta)}`)
    if (task.name === Own.name)
      return yield* Shared.print("--- not judged here: a verifier of yours judges it in training")
    const refusal = yield* task.validate(made.success)
    yield* Shared.print(`--- ${refusal === null ? "fit: the row's own answer is accepted" : `unfit: ${refusal}`}`)
  }, Effect.scoped),
).pipe(Command.withDescription("Show a row as the model sees it, with its number of tokens"))
