// The code verifier as a user runs it, in Python and TypeScript; the last line is what it found.
import { Code, EmbeddedSandbox, Verifier } from "@lpo/verifiers"
import { Effect } from "effect"

const fence = (language, code) => `\`\`\`${language}\n${code}\n\`\`\``
const program = Effect.gen(function* () {
  const sandbox = yield* EmbeddedSandbox.make({ processes: 1 })
  const verifier = Verifier.define(Code.graders(sandbox, { limits: { seconds: 30, totalSeconds: 60 } }).strict)
  const judge = (answer, text) =>
    verifier.verify({ id: "p", task: "code", prompt: "", answer }, { text, finish: "stop" })
  const python = yield* judge({ inputs: ["21"], outputs: ["42"] }, fence("python", "print(2 * int(input()))"))
  const typed = "enum Two { Two = 2 }\nconst double = (n: number): number => Two.Two * n"
  const truth = { inputs: ["21"], outputs: ["42"], fn_name: "double", language: "typescript" }
  const typescript = yield* judge(truth, fence("ts", typed))
  for (const { reason, score, status } of [python, typescript]) console.log(status, score, reason)
})
await Effect.runPromise(Effect.scoped(program))
