/** Problems with images on a Tinker server, through the command itself: what is sent is what the rows hold, byte for byte. */
import { mkdtempSync } from "node:fs"
import { readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import * as Tinker from "../../../packages/tinker/test/double.ts"
import { here, makeProgram } from "./program.ts"
import * as Words from "./words.ts"

const { end, events, polaris } = makeProgram()
const folder = mkdtempSync(join(tmpdir(), "lpo-images-"))
afterAll(async () => {
  await end()
  await rm(folder, { recursive: true })
})

interface Row {
  readonly images: ReadonlyArray<string | { readonly bytes: string }>
  readonly answer: string
}
interface Chunk {
  readonly type: string
  readonly data?: string
  readonly expected_tokens?: number
}

it("sends the images of the rows, and trains on them", async () => {
  const file = join(folder, "figures.jsonl")
  const [server, blind] = [await Tinker.make({ dialect: "hosted" }), await Tinker.make({ dialect: "skyrl" })]
  const drawn = "--images --count 8 --side train".split(" ")
  expect(await here(["data", "generate", "geometry-tiny", ...drawn, "--out", file])).toMatchObject({ code: 0 })
  const rows = (await readFile(file, "utf8"))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Row)
  const known = new Set(rows.flatMap(({ images }) => images.map((one) => (typeof one === "string" ? one : one.bytes))))
  const answers = [...new Set(rows.map(({ answer }) => `\\boxed{${answer.replaceAll(" ", "")}}`))].slice(0, 3)
  const model = await Words.write(["[UNK]", "[EOS]", "<start>", "<image>", "<end>", ...answers])
  const config = { model_type: "qwen2_5_vl", vision_start_token_id: 2, image_token_id: 3, vision_end_token_id: 4 }
  await writeFile(join(model, "config.json"), JSON.stringify(config))
  await writeFile(join(model, "preprocessor_config.json"), JSON.stringify({ patch_size: 14, merge_size: 2 }))
  await writeFile(join(model, "chat_template.jinja"), "{% for message in messages %}{{ message.content }}{% endfor %}")
  const args =
    `geometry3k --data ${file} --model ${model} --server ${server.baseUrl} --steps 2 --prompts 2 --k 8 --max-tokens 2 ` +
    "--problems 1 --samples 2 --learning-rate 0.05"
  const key = { TINKER_API_KEY: "tml-key" }
  try {
    const jax = await polaris(
      [...args.replace(server.baseUrl, blind.baseUrl).split(" "), "--name", "jax"],
      undefined,
      key,
    )
    expect(jax.stderr).toMatch(
      /the profile skyrl-jax does not show it to the model; use a server that does: --profile hosted or skyrl-fsdp/,
    )
    const done = await polaris([...args.split(" "), "--profile", "hosted", "--name", "images"], undefined, key)
    expect(done).toMatchObject({ code: 0, stderr: "" })
    expect(await events("images")).toHaveLength(2)
    const chunksOf = (path: string, of: (body: any) => ReadonlyArray<ReadonlyArray<Chunk>>) =>
      server.requests.filter((request) => request.path === path).flatMap(({ body }) => of(body))
    const asked = chunksOf("/asample", (body) => [body.prompt.chunks])
    const trained = chunksOf("/forward_backward", ({ input }) =>
      input.data.map((datum: any) => datum.model_input.chunks),
    ).filter((chunks) => chunks.some(({ type }) => type === "image"))
    expect(asked.length).toBeGreaterThanOrEqual(6)
    expect(trained.length).toBeGreaterThan(0)
    for (const chunks of [...asked, ...trained]) {
      const [image, more] = chunks.filter(({ type }) => type === "image")
      expect(more).toBeUndefined()
      expect(known.has(image.data ?? "")).toBe(true)
      expect(image.expected_tokens).toBeGreaterThan(3)
    }
    expect(new Set(asked.flat().flatMap(({ data }) => data ?? [])).size).toBeGreaterThan(2)
  } finally {
    await Promise.all([server.close(), blind.close()])
    await rm(model, { recursive: true })
  }
})
