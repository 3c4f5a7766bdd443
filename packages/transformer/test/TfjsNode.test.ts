/**
 * What is said of a `tfjs-node` that cannot be used. The packages here are stand-ins in an application's folder; the real one is run
 * by `npm run checks -- tfjs-node`.
 */
import { execFile } from "node:child_process"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, it } from "vitest"

let folder = ""

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lpo-tfjs-node-"))
  const packages = {
    "tfjs-node": 'exports.version = { "tfjs-core": "4.21.0" }; exports.engine = () => globalThis._tfengine',
    "tfjs-node-gpu": 'throw new Error("libcudart.so.11.0: cannot open shared object file")',
  }
  for (const [name, code] of Object.entries(packages)) {
    const at = join(folder, "node_modules", "@tensorflow", name)
    await mkdir(at, { recursive: true })
    await writeFile(join(at, "index.js"), code)
  }
})
afterAll(() => rm(folder, { recursive: true }))

it("refuses another version of TensorFlow.js, says why a package cannot be loaded, and leaves the backend that was active", async () => {
  const url = (name: string) => JSON.stringify(new URL(`../src/${name}.ts`, import.meta.url))
  const program = `
    import { Effect } from ${JSON.stringify(import.meta.resolve("effect"))}
    import * as tf from ${JSON.stringify(import.meta.resolve("@tensorflow/tfjs-core"))}
    import * as Backend from ${url("device/Backend")}
    await Effect.runPromise(Backend.start("wasm"))
    for (const name of ["tfjs-node", "tfjs-node-gpu"]) {
      const { _tag, message } = await Effect.runPromise(Effect.flip(Backend.start(name)))
      console.log(_tag, message)
    }
    console.log(tf.getBackend())`
  const args = ["--conditions=@lpo/source", "--input-type=module", "--eval", program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder })
  const [version, library, active] = stdout.trim().split("\n")
  expect(version).toMatch(
    /^BackendError backend tfjs-node: .*brings TensorFlow.js 4\.21\.0.* on 4\.22\.0; npm install @tensorflow\/tfjs-node@4\.22\.0/,
  )
  expect(library).toMatch(/^BackendError backend tfjs-node-gpu: .*libcudart\.so\.11\.0/)
  expect(active).toBe("wasm")
})
