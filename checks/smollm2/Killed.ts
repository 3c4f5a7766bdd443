/**
 * An adapter trained on a real model, in a process that is killed with SIGKILL in the middle and resumed, next to one that is not.
 */
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { polaris, record, sha256 } from "../domains/Program.ts"
import type * as Report from "../shared/Report.ts"

/** Sums and differences of two small numbers, all different up to 20 of them, as JSON lines. */
const rows = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, k) => {
    const i = from + k
    const [a, b] = [9 - (i % 4), 1 + ((i * 2) % 5)]
    const [word, answer] = i % 2 === 0 ? ["plus", a + b] : ["minus", a - b]
    const content = `What is ${a} ${word} ${b}? Answer with \\boxed{}, such as \\boxed{7}.`
    return `${JSON.stringify({ prompt: [{ role: "user", content }], answer: String(answer) })}\n`
  }).join("")

/** Four steps; a checkpoint after the second, so the third is lost with the process and repeated. */
export const check = async (report: Report.Report, model: string, root: string): Promise<void> => {
  const [data, held, out] = ["boxes.jsonl", "held-out.jsonl", "killed-runs"].map((name) => join(root, name))
  writeFileSync(data, rows(0, 12))
  writeFileSync(held, rows(12, 14))
  const verifier = fileURLToPath(new URL("form.ts", import.meta.url))
  const sizes =
    "--lora-rank 8 --steps 4 --prompts 2 --k 4 --max-tokens 10 --learning-rate 1e-3 --problems 2 --samples 1 " +
    "--backend wasm --set train.checkpointEvery=2"
  const files = `--data ${data} --eval-data ${held} --verifier ${verifier} --model ${model} --out ${out}`
  const begin = ["train", ...files.split(" "), ...sizes.split(" ")]
  const from = performance.now()
  const whole = await polaris([...begin, "--name", "whole"])
  if (whole.code !== 0) return report.add("four steps of an adapter", false, whole.stderr)
  const seconds = Math.round((performance.now() - from) / 1000)
  const events = record(out, "whole")
  report.add(
    "four steps of an adapter, with rewards that differ",
    events.steps === 4 && new Set(events.rewards).size > 1,
    `rewards ${events.rewards.map((reward) => reward.toFixed(3)).join(", ")}; ${seconds} s, evaluations included`,
  )
  const killed = await polaris([...begin, "--name", "killed"], /Training \([^)]*\) 3\/4/)
  const done = await polaris(["train", "--resume", "--out", out, "--name", "killed"])
  report.add(
    "killed with SIGKILL after the third step, it resumes after the second",
    killed.signal === "SIGKILL" && done.code === 0 && done.stdout.includes("resuming after step 2 of 4"),
    /resuming after step .*/.exec(done.stdout)?.[0] ?? `${killed.stderr}${done.stderr}`,
  )
  if (done.code !== 0) return
  const read = (name: string, file: string): string => readFileSync(join(out, name, file), "utf8")
  // Times differ, and nothing else may.
  const steps = (name: string): string =>
    read(name, "events.jsonl").replaceAll(/"(?:seconds\w*|\w+PerSecond)":[^,}]+/g, "")
  const same = {
    "events.jsonl but for its times": steps("killed") === steps("whole"),
    "completions.jsonl": read("killed", "completions.jsonl") === read("whole", "completions.jsonl"),
    "the adapter":
      sha256(out, "killed", "adapter/adapter_model.safetensors") ===
      sha256(out, "whole", "adapter/adapter_model.safetensors"),
    "the model": sha256(out, "killed", "model/model.safetensors") === sha256(out, "whole", "model/model.safetensors"),
  }
  const differ = Object.entries(same).flatMap(([what, equal]) => (equal ? [] : [what]))
  report.add(
    "steps, responses, adapter and weights equal those of the run that was not killed, bit for bit",
    differ.length === 0,
    differ.length === 0 ? Object.keys(same).join(", ") : `differ: ${differ.join(", ")}`,
  )
}
