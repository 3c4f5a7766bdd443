/**
 * `npm run cuda:bundle`: makes dist/lpo-cuda in this folder, which teaches, serves, trains and measures on a Linux x64 machine with
 * Python, PyTorch, JAX and a GPU's driver, and neither Node nor a network; and its archive beside it.
 */
import { existsSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Python from "../../bench/shared/Python.ts"
import * as Report from "../shared/Report.ts"
import * as Bundle from "./Bundle.ts"
import * as Trial from "./Trial.ts"

const limit = 60e6

const options = Arguments.read("npm run cuda:bundle --", {
  try: Arguments.flag("also run it in an empty root: all of it on a processor, and WebGPU on a software driver"),
  tryOnly: Arguments.flag("only run the existing archive"),
  patience: Arguments.number("limits of the trial, times this", 2),
  teachSeconds: Arguments.whole("of the trial", 120),
})

if (process.platform !== "linux" || process.arch !== "x64")
  Bundle.refuse("the bundle needs the libraries of Linux x64; make it there")

const report = Report.make("cuda")
if (!options.tryOnly) await Bundle.make()
if (!existsSync(Bundle.archive)) Bundle.refuse(`there is no ${Bundle.archive}; leave out --try-only`)
const { size } = statSync(Bundle.archive)
console.log(`${Bundle.archive}: ${(size / 1e6).toFixed(1)} MB; the folder is next to it`)
report.add(`the archive is smaller than ${limit} bytes`, size < limit, String(size))
if (options.try || options.tryOnly) {
  const place = Trial.unpack(Bundle.archive)
  try {
    Trial.webgpu(place, report)
    const python = Report.unlessSkipped("cuda", ["all stages on a processor"], () =>
      Python.prepare({
        name: "cuda",
        requirements: new URL("requirements.txt", import.meta.url),
        versions: [12, 12],
      }),
    )
    if (python !== null) Trial.pipeline(place, python, options, report)
  } finally {
    rmSync(join(place, ".."), { recursive: true, force: true })
  }
}
report.end()
