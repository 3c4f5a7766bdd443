/** `polaris doctor`: what works on this machine, and how to get the rest. */
import { styleText } from "node:util"
import { Effect, Option } from "effect"
import { Command, Flag } from "effect/cli"
import type { Finding } from "../doctor/Finding.ts"
import * as Machine from "../doctor/Machine.ts"
import * as Services from "../doctor/Services.ts"
import { UsageError } from "../Usage.ts"
import type { Entry } from "./Entry.ts"

const optional = (name: string, description: string) =>
  Flag.String(name).pipe(Flag.withDescription(description), Flag.optional, Flag.map(Option.getOrNull))

const marks = { ok: ["ok", "green"], absent: ["–", "dim"], broken: ["no", "red"] } as const

const lines = (found: ReadonlyArray<Finding>): ReadonlyArray<string> => {
  const width = Math.max(...found.map(({ what }) => what.length))
  const isLive = process.stdout.isTTY
  return found.flatMap(({ fix, group, seen, state, what }, i) => {
    const [mark, colour] = marks[state]
    const shown = isLive ? styleText(colour, mark.padEnd(2)) : mark.padEnd(2)
    return [
      ...(found[i - 1]?.group === group ? [] : [group]),
      `  ${shown} ${what.padEnd(width)}  ${seen}`,
      ...(fix === null ? [] : [`     ${" ".repeat(width)}  -> ${fix}`]),
    ]
  })
}

export const command: Entry = Command.make(
  "doctor",
  {
    json: Flag.Boolean("json").pipe(
      Flag.withDescription("Print a list of { group, what, state, seen, fix } as JSON"),
      Flag.withDefault(false),
    ),
    server: optional("server", "URL of a Tinker server to check"),
    rollouts: optional("rollouts", "URLs of servers that sample, comma-separated"),
    out: Flag.Directory("out").pipe(Flag.withDescription("Folder for runs. Default runs"), Flag.withDefault("runs")),
  },
  Effect.fn(function* ({ json, out, rollouts, server }) {
    const [machine, services] = yield* Effect.all([Machine.all(out), Services.all({ server, rollouts })], {
      concurrency: 2,
    })
    const found = [...machine, ...services]
    const text = json ? JSON.stringify(found, null, 2) : lines(found).join("\n")
    yield* Effect.sync(() => process.stdout.write(`${text}\n`))
    const broken = found.filter(({ state }) => state === "broken").map(({ what }) => what)
    if (broken.length > 0) return yield* new UsageError({ reason: `does not work: ${broken.join(", ")}` })
  }),
).pipe(
  Command.withDescription("Show what works here, and how to get the rest; works without a network"),
  Command.withExamples([{ command: "polaris doctor --server http://gpu:8000", description: "Also check a server" }]),
)
