// `npm run integration -- tfjs-node`: TensorFlow's C library through @tensorflow/tfjs-node, installed and compiled in this folder
// on first use. Runs the checks of all backends on it, what transformers and PyTorch computed on the fixtures, and the refusal of
// tfjs-node-gpu where there is no GPU. With `--bench`, then measures it beside the WASM backend.
//
// Exits 0 with SKIPPED lines where a compiler, Python or the packages cannot be had, 1 when a check fails.
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { folder, install, modules } from "./install.mjs"

const { values: options } = parseArgs({ options: { bench: { type: "boolean", default: false } } })
const root = fileURLToPath(new URL("../..", import.meta.url))
const parts = [
  "the checks of all backends, memory over 1,000 rounds, typed errors",
  "the fixtures of PyTorch and transformers: logits, log-probs, greedy text, gradients, a step of AdamW, an adapter",
  "tfjs-node-gpu where there is no GPU: refused, and the backend before it goes on",
]

try {
  install()
} catch (error) {
  console.error(`\nSKIPPED, since @tensorflow/tfjs-node cannot be installed here: ${error.message}\n`)
  for (const part of parts) console.error(`  SKIPPED: ${part}`)
  console.error(
    "\nIt takes Linux on x64, make, a C++ compiler, Python 3 with pip, and the indices of npm and pip (npm_config_registry, PIP_INDEX_URL).",
  )
  console.log(JSON.stringify({ integration: "tfjs-node", skipped: parts }))
  process.exit(0)
}

const results = []
/** Runs a program whose exit code is the result. */
const part = (what, command, args, settings) => {
  console.log(`\n# ${what}`)
  const from = performance.now()
  const { status } = spawnSync(command, args, { stdio: "inherit", ...settings })
  results.push({ what, ok: status === 0, seconds: Math.round((performance.now() - from) / 1000) })
}

part(parts[0], process.execPath, ["suite.mjs"], { cwd: folder })

part(parts[1], "npx", ["vitest", "run", "packages/transformer/test/Parity.test.ts"], {
  cwd: root,
  env: { ...process.env, LPO_BACKEND: "tfjs-node", NODE_PATH: modules },
})

console.log(`\n# ${parts[2]}`)
const gpu = spawnSync(process.execPath, ["suite.mjs", "--gpu"], { cwd: folder, encoding: "utf8" })
const {
  active,
  started = true,
  told = gpu.stderr,
} = gpu.status === 0 ? JSON.parse(gpu.stdout.trim().split("\n").at(-1)) : {}
console.log(told)
results.push({ what: parts[2], ok: !started && /sees no GPU/.test(told) && active === "wasm", seconds: 0 })

if (options.bench) part("beside WASM", process.execPath, ["bench.mjs"], { cwd: folder })

console.log()
for (const { ok, seconds, what } of results)
  console.log(`${ok ? "ok    " : "FAILED"} ${String(seconds).padStart(4)} s  ${what}`)
const failed = results.filter(({ ok }) => !ok).map(({ what }) => what)
console.log(JSON.stringify({ integration: "tfjs-node", failed }))
process.exit(failed.length === 0 ? 0 : 1)
