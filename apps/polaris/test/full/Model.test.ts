import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import * as Tiny from "../checkpoint.ts"
import { makeTaught } from "../files.ts"
import { makeProgram } from "../program.ts"

const { end, out, polaris } = makeProgram()
const tiny = await makeTaught()
afterAll(end)

it.each([
  ["every parameter", ["--model", "tiny/qwen3"]],
  ["an adapter", ["--model", "tiny/qwen3", "--lora-rank", "2"]],
])("stopped three times and resumed, training %s of a checkpoint ends with the same weights", async (what, model) => {
  const name = what.split(" ")[1]
  const args = [...Tiny.short, ...model]
  expect((await polaris([...args, "--name", `${name}-whole`], undefined, tiny.online)).code).toBe(0)
  for (const [i, step] of [1, 4, 8].entries()) {
    const result = await polaris(
      [...args, "--name", name, ...(i > 0 ? ["--resume"] : [])],
      (stdout) => (new RegExp(`Training \\(lpo-fwd\\) ${step}/12`).test(stdout) ? "SIGINT" : null),
      tiny.offline,
    )
    expect(result.code).toBe(130)
  }
  const last = await polaris([...args, "--name", name, "--resume"], undefined, tiny.offline)
  expect(last.stderr).toBe("")
  const weights = (run: string) => readFile(join(out, run, "model", "model.safetensors"))
  expect((await weights(name)).equals(await weights(`${name}-whole`))).toBe(true)
})
