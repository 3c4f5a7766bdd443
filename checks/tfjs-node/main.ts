/**
 * `npm run checks -- tfjs-node`: TensorFlow's C library through @tensorflow/tfjs-node, installed and compiled in bench/tfjs-node on
 * first use. Runs the checks of all backends on it, what transformers and PyTorch computed on the fixtures, and the refusal of
 * tfjs-node-gpu where there is no GPU.
 */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import * as Arguments from "../../bench/shared/Arguments.ts"
import { folder, install, modules } from "../../bench/tfjs-node/Install.ts"
import * as Report from "../shared/Report.ts"

const parts = {
  suite: "the checks of all backends, memory over 1,000 rounds, typed errors",
  fixtures:
    "the fixtures of PyTorch and transformers: logits, log-probs, greedy text, gradients, a step of AdamW, an adapter",
  gpu: "tfjs-node-gpu where there is no GPU: refused, and the previous backend continues",
}
const root = fileURLToPath(new URL("../..", import.meta.url))
const suite = [...process.execArgv, fileURLToPath(new URL("suite.ts", import.meta.url))]

Arguments.read("npm run checks -- tfjs-node", {})
// Besides, the indices of npm and pip (npm_config_registry, PIP_INDEX_URL).
const installed = Report.unlessSkipped("tfjs-node", Object.values(parts), () => (install(), true))
if (installed === true) {
  const report = Report.make("tfjs-node")

  console.log(`\n# ${parts.suite}`)
  report.add(parts.suite, spawnSync(process.execPath, suite, { cwd: folder, stdio: "inherit" }).status === 0)

  console.log(`\n# ${parts.fixtures}`)
  const fixtures = spawnSync("npx", ["vitest", "run", "packages/transformer/test/Parity.test.ts"], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, LPO_BACKEND: "tfjs-node", NODE_PATH: modules },
  })
  report.add(parts.fixtures, fixtures.status === 0)

  console.log(`\n# ${parts.gpu}`)
  const { status, stderr, stdout } = spawnSync(process.execPath, [...suite, "--gpu"], { cwd: folder, encoding: "utf8" })
  const said = status === 0 ? stdout.trim().split("\n").at(-1) : undefined
  const { active, started, told } = (
    said === undefined ? { active: "?", started: true, told: stderr } : JSON.parse(said)
  ) as { readonly active: string; readonly started: boolean; readonly told: string }
  report.add(parts.gpu, !started && /sees no GPU/.test(told) && active === "wasm", told)
  console.log()
  report.end()
}
