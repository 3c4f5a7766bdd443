/**
 * `npm run checks -- domains --data FOLDER`: MATH through `polaris train math` with a tiny random Qwen3, on the embedded engine, on a
 * real SkyRL on the CPU, and trained here with rollouts on a real vLLM: two steps, evaluated before and after, killed and resumed; then
 * two steps of each preset that reads text on the engine that it names. Two parts need no FOLDER: a small model that solves some of its
 * problems, trained on SkyRL (`--engine learning`), and the preset `polaris` at its size on a double of a Tinker server (`--engine double`).
 * FOLDER has `math-train.deepscaler.json` and `math500.deepscaler.json` as DeepScaleR publishes them.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Report from "../shared/Report.ts"
import { freePort } from "../shared/Server.ts"
import * as Skyrl from "../skyrl/server.ts"
import * as Vllm from "../vllm/server.ts"
import * as Learning from "./Learning.ts"
import * as Polaris from "./Polaris.ts"
import { polaris, record, sha256 } from "./Program.ts"
import * as Rows from "./Rows.ts"

const engines = ["embedded", "skyrl", "learning", "vllm", "double"] as const
const { data, engine } = Arguments.read("npm run checks -- domains", {
  data: Arguments.text("the folder with the rows of MATH", null),
  engine: Arguments.oneOf("only this one", engines, null),
})
const report = Report.make("domains")
const root = mkdtempSync(join(tmpdir(), "lpo-domains-"))
const out = join(root, "runs")

/** Rows of the training half with an answer. */
const withAnswer = 7470

/** Two steps of the preset math on the published rows, killed after the first and resumed. */
const math = async (name: string, folder: string, more: ReadonlyArray<string>) => {
  const args = (
    `train math --data ${join(folder, "math-train.deepscaler.json")} --eval-data ${join(folder, "math500.deepscaler.json")} ` +
    `--bad-rows leave-out --steps 2 --prompts 4 --k 4 --max-tokens 8 --problems 500 --samples 1 --learning-rate 1e-3 --out ${out}`
  ).split(" ")
  const begin = [...args, "--set", "train.checkpointEvery=1", ...more]
  const killed = await polaris([...begin, "--name", name], /Training \(lpo-fwd-paper\) 1\/2/)
  const read = killed.stdout.replaceAll(",", "")
  report.add(
    `${name}: reads the rows, evaluates, and is killed after its first step`,
    killed.signal === "SIGKILL" && read.includes(`${withAnswer} problems to train on`) && read.includes("500 held out"),
    killed.signal === "SIGKILL"
      ? (/^.* problems to train on.*$/m.exec(killed.stdout)?.[0] ?? killed.stdout.slice(-500))
      : killed.stderr,
  )
  const done = await polaris(["train", "--resume", "--out", out, "--name", name])
  const ran = done.code === 0 ? record(out, name) : null
  report.add(
    `${name}: resumes, and is evaluated before and after`,
    done.stdout.includes("resuming after step 1 of 2") &&
      ran?.steps === 2 &&
      ran.base.samples === 500 &&
      ran.trained.samples === 500,
    ran === null ? done.stderr : `${ran.steps} steps, ${ran.problems} problems`,
  )
  return begin
}

const embedded = async (folder: string) => {
  const model = join(root, "here")
  Rows.tinyHere(model)
  const begin = await math("embedded", folder, ["--engine", "embedded", "--model", model])
  const whole = await polaris([...begin, "--name", "whole"])
  const file = "model/model.safetensors"
  const same = whole.code === 0 && sha256(out, "embedded", file) === sha256(out, "whole", file)
  report.add("embedded: the weights equal those of a run that was not killed", same, whole.stderr)
}

const skyrl = async (folder: string, python: string) => {
  const model = join(root, "skyrl-model")
  Rows.tinyServed(python, model)
  const at = join(root, "skyrl")
  mkdirSync(at)
  const server = await Skyrl.start({ folder: at, model, port: await freePort(), python })
  const tinker = ["--server", server.url, "--model", model, "--lora-rank", "8"]
  try {
    await math("skyrl", folder, tinker)
    for (const [preset, file] of Object.entries(Rows.files(join(root, "rows")))) {
      const sizes = "--steps 2 --prompts 2 --k 4 --max-tokens 8 --problems 1 --samples 1".split(" ")
      const ran = await polaris(["train", preset, "--data", file, ...tinker, ...sizes, "--out", out, "--name", preset])
      report.add(
        `the preset ${preset}, two steps on SkyRL`,
        ran.code === 0 && record(out, preset).steps === 2,
        ran.code === 0 ? `rewards ${record(out, preset).rewards.join(", ")}` : ran.stderr,
      )
    }
    const figures = join(root, "figures.jsonl")
    await polaris(`data generate geometry-tiny --images --count 12 --out ${figures}`.split(" "))
    const sizes = "--steps 2 --prompts 2 --k 4 --max-tokens 8 --problems 1 --samples 1".split(" ")
    const ran = await polaris([
      "train",
      "geometry3k",
      "--data",
      figures,
      ...tinker,
      ...sizes,
      "--out",
      out,
      "--name",
      "g",
    ])
    report.add(
      "the preset geometry3k is refused on SkyRL's jax backend, which drops images",
      ran.code === 1 && /the profile skyrl-jax does not show it to the model/.test(ran.stderr),
      ran.stderr.trim(),
    )
  } finally {
    await server.kill()
  }
}

const vllm = async (folder: string, python: string) => {
  const model = join(root, "vllm-model")
  Rows.tinyServed(python, model)
  const at = join(root, "vllm")
  mkdirSync(at)
  const server = await Vllm.start({ folder: at, model, port: await freePort(), python, longest: Rows.positions })
  try {
    await math("vllm", folder, [
      ..."--engine hybrid --served-name base --lora-rank 4".split(" "),
      "--rollouts",
      server.url,
      "--model",
      model,
    ])
  } finally {
    await server.kill()
  }
}

const wanted = (name: (typeof engines)[number]): boolean => engine === null || engine === name
try {
  if (wanted("double")) await Polaris.check(report, root)
  if (wanted("learning")) {
    const python = Report.unlessSkipped(
      "domains",
      ["a model that solves some problems, on SkyRL: no server"],
      Skyrl.prepare,
    )
    if (python !== null) await Learning.check(report, root, python)
  }
  const folder =
    engine === "double" || engine === "learning"
      ? null
      : Report.unlessSkipped("domains", ["MATH on every engine: no rows"], () => {
          const found = data === null ? null : resolve(data)
          if (found === null || !existsSync(join(found, "math-train.deepscaler.json")))
            throw new Error("give --data with the folder of math-train.deepscaler.json and math500.deepscaler.json")
          return found
        })
  if (folder !== null) {
    if (wanted("embedded")) await embedded(folder)
    for (const [name, prepare, check] of [
      ["skyrl", Skyrl.prepare, skyrl],
      ["vllm", Vllm.prepare, vllm],
    ] as const) {
      const python = wanted(name) ? Report.unlessSkipped("domains", [`${name}: no server`], prepare) : null
      if (python !== null) await check(folder, python)
    }
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}
report.end()
