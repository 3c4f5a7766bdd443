/**
 * `npm run checks -- smollm2`: a real model, SmolLM2-135M-Instruct, opened, sampled, stopped and trained, also in a run that is
 * killed and resumed. Its weights come from a Python package, dequantised by transformers.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Problem } from "@lpo/rollout"
import { Backend, Checkpoint, Policy } from "@lpo/transformer"
import { Effect } from "effect"
import * as Arguments from "../../bench/shared/Arguments.ts"
import { gap } from "../../packages/transformer/test/fixtures.ts"
import * as Report from "../shared/Report.ts"
import * as SmolLm2 from "../shared/SmolLm2.ts"
import * as Killed from "./Killed.ts"

Arguments.read("npm run checks -- smollm2", {})
const report = Report.make("smollm2")

interface Fact {
  readonly messages: ReadonlyArray<Problem.Message>
  readonly variables: Readonly<Record<string, unknown>>
  readonly prompt: ReadonlyArray<number>
  readonly tokens: ReadonlyArray<number>
  readonly logprobs: ReadonlyArray<number>
}

/** Prompts, log-probs and greedy texts beside those of transformers. */
const compare = Effect.fn(function* (folder: string) {
  yield* Backend.start("wasm")
  const { config, tokenizer, values } = yield* Checkpoint.open(folder)
  if (tokenizer === null) return report.add("it has a tokenizer", false)
  report.add("opened", true, `${values.length.toLocaleString("en")} parameters, stops ${tokenizer.stops.join(", ")}`)
  const policy = yield* Policy.make(config, tokenizer, values, { workers: 0 })
  const facts = JSON.parse(readFileSync(join(folder, "facts.json"), "utf8")) as ReadonlyArray<Fact>
  for (const { logprobs, messages, prompt, tokens, variables } of facts) {
    const [{ content }] = messages
    const what = `${JSON.stringify(content)} ${JSON.stringify(variables)}`
    const own = yield* tokenizer.encodeChat(messages, variables)
    report.add(`${what}: prompt`, own.join() === prompt.join(), `${own.length} tokens`)
    const pair = { prompt: own, completion: Int32Array.from(tokens) }
    const [found] = yield* policy.logprobs([pair])
    const most = gap(found, logprobs)
    report.add(`${what}: log-probs`, most < 1e-3, `largest difference ${most.toExponential(1)}`)
    const [[sample]] = yield* policy.generate([{ prompt: own, streams: ["greedy"] }], { temperature: 0, maxTokens: 24 })
    report.add(
      `${what}: greedy text`,
      sample.tokens.join() === tokens.join(),
      JSON.stringify(tokenizer.decode(sample.tokens)),
    )
    const ended = tokenizer.stops.includes(tokens[tokens.length - 1])
    report.add(`${what}: its end`, (sample.finish === "stop") === ended, sample.finish)
  }
}, Effect.scoped)

/** `polaris train` on the folder, with a variable of the template. */
const train = (folder: string, out: string): void => {
  const options =
    "--steps 1 --prompts 1 --k 4 --max-tokens 24 --problems 2 --samples 1 --lora-rank 4 --backend wasm --template date=2026-11-28"
  const command = [
    "run",
    "--silent",
    "polaris",
    "--",
    "train",
    "countdown-tiny",
    "--model",
    folder,
    ...options.split(" "),
  ]
  const given = [...command, "--template", "persona=You are a calculator", "--out", out, "--name", "smollm2"]
  const begun = performance.now()
  const { status, stderr } = spawnSync("npm", given, {
    encoding: "utf8",
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
  })
  const seconds = Math.round((performance.now() - begun) / 1000)
  report.add(
    "polaris train --model --template",
    status === 0,
    status === 0 ? `one step in ${seconds} s, evaluations included` : stderr,
  )
  if (status !== 0) return
  const run = join(out, "smollm2")
  const { model } = JSON.parse(readFileSync(join(run, "config.json"), "utf8")) as { model: { template: unknown } }
  report.add(
    "the variables are in config.json",
    JSON.stringify(model.template) === JSON.stringify({ date: "2026-11-28", persona: "You are a calculator" }),
    JSON.stringify(model.template),
  )
  report.add(
    "the run leaves model and adapter",
    ["model", "adapter"].every((name) => readdirSync(run).includes(name)),
  )
}

const root = mkdtempSync(join(tmpdir(), "lpo-smollm2-"))
try {
  const folder = join(root, "model")
  const made = Report.unlessSkipped(
    "smollm2",
    ["prompts, log-probs, greedy texts and stops", "polaris train", "a killed run"],
    () => {
      SmolLm2.make(folder)
      return folder
    },
  )
  if (made !== null) {
    await Effect.runPromise(compare(made))
    train(made, join(root, "runs"))
    await Killed.check(report, made, root)
    report.end({})
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}
