/**
 * `npm run gpu:check`: installs the packages of the WebGPU backend into this folder when they are not there, builds the engine,
 * then runs the checks and the benchmark on the GPU; the figures go to docs/gpu/.
 *
 * `-- --software` runs on a Vulkan driver that computes on the processor, which shows that results are right and nothing about
 * speed; `-- --quick` takes the smallest batches.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { prepare } from "./prepare.mjs"
import * as Vulkan from "./vulkan.mjs"

const root = fileURLToPath(new URL("..", import.meta.url))
const { values: options } = parseArgs({
  options: { software: { type: "boolean", default: false }, quick: { type: "boolean", default: false } },
})

const software = options.software ? Vulkan.software() : {}
if (software === null) {
  console.error(
    "REFUSED: --software needs SwiftShader and a Vulkan loader; on Debian: apt-get install chromium libvulkan1",
  )
  process.exit(1)
}
if (options.software) console.log("--software: on SwiftShader, on the processor; no figure below is one of a GPU")
prepare()

const checkpoint = mkdtempSync(join(tmpdir(), "lpo-gpu-"))
const node = (...args) =>
  spawnSync(process.execPath, ["--conditions=@lpo/source", "--disable-warning=ExperimentalWarning", ...args], {
    // The packages of the backend are found from the working folder.
    cwd: join(root, "gpu"),
    env: { ...process.env, ...software },
    stdio: "inherit",
  }).status ?? 1
let code = 1
try {
  code = node("write-checkpoint.mjs", checkpoint)
  if (code === 0) {
    const flags = [options.software ? "--allow-software" : null, options.quick ? "--quick" : null].filter(Boolean)
    code = node("main.mjs", "--checkpoint", checkpoint, "--report", join(root, "docs/gpu"), ...flags)
  }
} finally {
  rmSync(checkpoint, { recursive: true })
}
process.exit(code)
