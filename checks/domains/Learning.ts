/**
 * A model that solves some problems, trained on a real SkyRL through the program: the warm start of `countdown-tiny` as a checkpoint, so
 * the rewards of a group differ and every step has a gradient. Before it, `polaris probe` looks at the same server.
 */
import { mkdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { ModelFiles } from "@lpo/transformer"
import { Effect } from "effect"
import * as Preset from "../../apps/polaris/src/Preset.ts"
import { open } from "../../apps/polaris/src/tasks/index.ts"
import * as WarmStart from "../../apps/polaris/src/WarmStart.ts"
import type * as Report from "../shared/Report.ts"
import { freePort } from "../shared/Server.ts"
import * as Skyrl from "../skyrl/server.ts"
import { polaris } from "./Program.ts"

const preset = "countdown-tiny"
const [steps, problems, samples] = [6, 100, 8]

/** Writes the shipped warm start as a folder that a server opens. */
const write = (folder: string): Promise<void> =>
  Effect.gen(function* () {
    const { model, name, task } = yield* Preset.load(preset)
    const { tiny } = yield* open(task.name, task.parameters)
    if (model?.kind !== "warm-start" || tiny === null) throw new Error(`${name} has a model of its own`)
    const config = yield* WarmStart.modelConfig(model, tiny)
    const values = yield* ModelFiles.readModel(config, WarmStart.shipped(name))
    yield* WarmStart.saveCheckpoint({ config, tokenizer: tiny.tokenizer, values }, folder)
  }).pipe(Effect.runPromise)

interface Row {
  readonly reward: number
  readonly gradNorm: number | null
}
interface Evaluated {
  readonly passAt: Readonly<Record<1, { readonly mean: number; readonly low: number; readonly high: number }>>
}

export const check = async (report: Report.Report, root: string, python: string): Promise<void> => {
  const [model, folder, out] = ["warm-started", "skyrl-learning", "learning"].map((name) => join(root, name))
  await write(model)
  mkdirSync(folder)
  const server = await Skyrl.start({ folder, model, port: await freePort(), python })
  try {
    const on = `--engine tinker --server ${server.url} --model ${model} --lora-rank 8 --prompts 16 --k 8 --max-tokens 10`
    const probed = await polaris(`probe ${preset} ${on}`.split(" "))
    report.add(
      "polaris probe: the sampler on SkyRL follows the learner",
      probed.code === 0 && probed.stdout.includes("the sampler follows the learner"),
      (probed.code === 0 ? probed.stdout : probed.stderr).trim().split("\n").at(-1) ?? "",
    )
    const sizes =
      `--steps ${steps} --problems ${problems} --samples ${samples} ` +
      "--learning-rate 2e-3 --set train.checkpointEvery=1 --name learning"
    const begin = `train ${preset} ${on} --out ${out} ${sizes}`.split(" ")
    const from = performance.now()
    const ran = await polaris(begin)
    if (ran.code !== 0) return report.add("a model that solves some problems learns on SkyRL", false, ran.stderr)
    const seconds = Math.round((performance.now() - from) / 1000)
    const read = (file: string): string => readFileSync(join(out, "learning", file), "utf8")
    const rows = read("events.jsonl")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Row)
    report.add(
      `a model that solves some problems: each of ${steps} steps on SkyRL has rewards and a gradient`,
      rows.length === steps && rows.every(({ gradNorm, reward }) => reward > 0 && (gradNorm ?? 0) > 0),
      rows
        .map(({ gradNorm, reward }) => `${reward.toFixed(3)} (gradient ${(gradNorm ?? 0).toPrecision(3)})`)
        .join(", "),
    )
    const { base, trained } = JSON.parse(read("summary.json")) as Record<"base" | "trained", Evaluated>
    const passAt1 = ({ passAt }: Evaluated): string => {
      const { high, low, mean } = passAt[1]
      return `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`
    }
    report.add(
      "it solves more afterwards, intervals apart",
      trained.passAt[1].low > base.passAt[1].high,
      `pass@1 ${passAt1(base)} -> ${passAt1(trained)} on ${problems} problems x ${samples}; ${seconds} s in all`,
    )
  } finally {
    await server.kill()
  }
}
