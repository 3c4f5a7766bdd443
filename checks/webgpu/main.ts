/**
 * `npm run checks -- webgpu`: installs the packages of the WebGPU backend into this folder if they are missing, then runs the
 * checks on the GPU and measures it; the figures go to docs/gpu/.
 */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Arguments from "../../bench/shared/Arguments.ts"
import { folder, install } from "./Install.ts"
import * as Vulkan from "./Vulkan.ts"

const options = Arguments.read("npm run checks -- webgpu", {
  software: Arguments.flag(
    "on a Vulkan driver that computes on the processor: shows that results are correct, nothing about speed",
  ),
  quick: Arguments.flag("the smallest batches, and few checks of sampling"),
})

/** The variables of the environment that choose the driver. */
const driver = (): Readonly<Record<string, string>> => {
  if (!options.software) return {}
  const found = Vulkan.software()
  if (found !== null) {
    console.log("--software: on SwiftShader, on the processor; the figures below are not a GPU's")
    return found
  }
  console.error(
    "REFUSED: --software needs SwiftShader and a Vulkan loader; on Debian: apt-get install chromium libvulkan1",
  )
  process.exit(1)
}

const env = { ...process.env, ...driver() }
install()
const checkpoint = mkdtempSync(join(tmpdir(), "lpo-webgpu-"))
// The packages of the backend are found from the working folder.
const suite = (...args: ReadonlyArray<string>): number =>
  spawnSync(process.execPath, [...process.execArgv, "suite.ts", "--checkpoint", checkpoint, ...args], {
    cwd: folder,
    env,
    stdio: "inherit",
  }).status ?? 1
try {
  const flags = [...(options.software ? ["--allow-software"] : []), ...(options.quick ? ["--quick"] : [])]
  const report = fileURLToPath(new URL("../../docs/gpu", import.meta.url))
  process.exitCode = suite("--write") || suite("--report", report, ...flags)
} finally {
  rmSync(checkpoint, { recursive: true })
}
