/** A pipe in the place of any file of a checkpoint or an adapter: refused by its name, and nothing waits. */
import { execFileSync } from "node:child_process"
import { cp, mkdtemp, readdir, rename, rm, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Checkpoint, HfTokenizer } from "@lpo/transformer"
import { Effect } from "effect"
import { afterAll, beforeAll, expect, it } from "vitest"
import { folderOf } from "./fixtures.ts"

let root = ""
let folder = ""
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "lpo-pipes-"))
  folder = join(root, "checkpoint")
  await cp(folderOf("qwen3"), folder, { recursive: true })
  // Those that are not there are looked for too.
  for (const name of ["special_tokens_map.json", "added_tokens.json", "vocab.json", "generation_config.json"])
    await writeFile(join(folder, name), "{}", { flag: "wx" }).catch(() => {})
  for (const name of ["merges.txt", "chat_template.jinja"])
    await writeFile(join(folder, name), "", { flag: "wx" }).catch(() => {})
})
afterAll(() => rm(root, { recursive: true }))

const refusal = async (): Promise<string> => (await Effect.runPromise(Effect.flip(Checkpoint.open(folder)))).message

it.runIf(process.platform === "linux")("refuses a pipe for each of the files that it reads", async () => {
  const read = (await readdir(folder)).filter((name) => /\.(json|txt|jinja|safetensors)$/.test(name))
  expect(read.length).toBeGreaterThan(10)
  const ignored: Array<string> = []
  for (const name of read) {
    const path = join(folder, name)
    await rename(path, `${path}.aside`)
    execFileSync("mkfifo", [path])
    const outcome = await Effect.runPromise(Effect.result(Checkpoint.open(folder)))
    if (outcome._tag === "Success") ignored.push(name)
    else expect(outcome.failure.message).toBe(`${path}: '${path}' is a named pipe; give a regular file`)
    await rename(`${path}.aside`, path)
  }
  // What facts the fixtures' tests compare with is none of the checkpoint's.
  expect(ignored).toEqual(read.filter((name) => /^(facts|expected|reference)/.test(name)))
})

it("refuses a tokenizer and a configuration of a gigabyte by their size", async () => {
  for (const name of ["tokenizer.json", "config.json", "tokenizer_config.json"]) {
    const path = join(folder, name)
    await rename(path, `${path}.aside`)
    await writeFile(path, "{")
    await truncate(path, 2 ** 30)
    expect(await refusal()).toBe(`${path}: '${path}' has ${2 ** 30} bytes, the most is ${2 ** 26}`)
    await rename(`${path}.aside`, path)
  }
  expect((await Effect.runPromise(HfTokenizer.load(folder))).vocabSize).toBeGreaterThan(0)
})
