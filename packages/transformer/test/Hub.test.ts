/** Downloads from a local double of the hub: the hub itself is not asked in tests. */
import { mkdtemp, readdir, readFile, readlink, rm, stat } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Checkpoint, Hub } from "@lpo/transformer"
import { ConfigProvider, Effect, Redacted } from "effect"
import { afterEach, beforeEach, expect, it } from "vitest"
import { folderOf } from "./fixtures.ts"
import * as HubDouble from "./hubDouble.ts"

const repo = "tiny/qwen3"
let cacheFolder = ""
let hub: HubDouble.HubDouble

const fixture = async (): Promise<Map<string, Buffer>> => {
  const files = new Map<string, Buffer>()
  for (const name of await readdir(folderOf("qwen3"))) files.set(name, await readFile(join(folderOf("qwen3"), name)))
  // Beside the checkpoint: the same weights in other forms, and names that want to leave the folder.
  for (const name of ["pytorch_model.bin", "consolidated.safetensors", "../evil.json", "original/config.json"])
    files.set(name, Buffer.from("not wanted"))
  return files
}

beforeEach(async () => {
  cacheFolder = await mkdtemp(join(tmpdir(), "lpo-hub-"))
  hub = await HubDouble.start(repo, await fixture())
})
afterEach(async () => {
  await hub.close()
  await rm(cacheFolder, { recursive: true })
})

/** Runs without the environment of whoever runs the tests. */
const run = <A, E>(effect: Effect.Effect<A, E>, env: Record<string, string> = {}): Promise<A> =>
  effect.pipe(Effect.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(env))), Effect.runPromise)
const options = (more: Hub.DownloadOptions = {}) => ({ cacheFolder, endpoint: hub.endpoint, ...more })

it("opens a model by its name, into the cache's own layout, and asks for no weights a second time", async () => {
  const progress: Array<Hub.Progress> = []
  const checkpoint = await run(Checkpoint.open(repo, options({ onProgress: (p) => progress.push(p) })))
  const local = await run(Checkpoint.open(folderOf("qwen3")))
  expect(checkpoint.values).toEqual(local.values)
  expect(checkpoint.tokenizer?.stops).toEqual(local.tokenizer?.stops)
  const model = join(cacheFolder, "models--tiny--qwen3")
  expect(await readFile(join(model, "refs", "main"), "utf8")).toBe(HubDouble.commit)
  const snapshot = await readdir(join(model, "snapshots", HubDouble.commit))
  expect(snapshot).toContain("model-00001-of-00003.safetensors")
  for (const name of ["pytorch_model.bin", "consolidated.safetensors", "evil.json", "original"])
    expect(snapshot).not.toContain(name)
  expect(await readlink(join(model, "snapshots", HubDouble.commit, "config.json"))).toMatch(
    /^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/,
  )
  expect(await readdir(cacheFolder)).toEqual(["models--tiny--qwen3"])
  const last = progress.at(-1)
  expect(last?.totalReceived).toBe(last?.totalSize)
  expect(progress.map((p) => p.totalReceived)).toEqual(progress.map((p) => p.totalReceived).sort((a, b) => a - b))
  hub.requests.length = 0
  await run(Checkpoint.open(repo, options()))
  expect(hub.requests.filter((r) => r.includes("/resolve/"))).toEqual([])
})

it("gets a configuration alone, and does not take it for the model afterwards", async () => {
  const folder = await run(Hub.download(repo, options({ only: /^config\.json$/ })))
  expect(await readdir(folder)).toEqual(["config.json"])
  const nothing = await run(Effect.flip(Hub.download(repo, options({ offline: true }))))
  expect(nothing.message).toMatch(/is not in the cache/)
  expect(await run(Hub.download(repo, options()))).toBe(folder)
  expect((await readdir(folder)).length).toBeGreaterThan(3)
})

it("goes on where a connection broke", async () => {
  const file = "model-00001-of-00003.safetensors"
  hub.breakAfter.set(file, 5000)
  await run(Checkpoint.open(repo, options()))
  const ranges = hub.requests.filter((r) => r.includes(file)).map((r) => r.split(" ")[2] ?? "whole")
  const size = (await stat(join(folderOf("qwen3"), file))).size
  // A question of its size, the whole that broke, the question again, and the rest from what had arrived.
  expect(ranges[0]).toBe("bytes=0-0")
  expect(ranges[1]).toBe("whole")
  const rest = /^bytes=(\d+)-(\d+)$/.exec(ranges.at(-1) ?? "")
  expect(Number(rest?.[1])).toBeGreaterThan(0)
  expect(Number(rest?.[2])).toBe(size - 1)
})

it("throws away a file whose hash is wrong, by name, and gets it whole the next time", async () => {
  const file = "model-00002-of-00003.safetensors"
  const good = await readFile(join(folderOf("qwen3"), file))
  const bad = Buffer.from(good)
  bad[9000] ^= 1
  hub.corrupt.set(file, bad)
  const error = await run(Effect.flip(Checkpoint.open(repo, options())))
  expect(error.message).toMatch(/model-00002-of-00003\.safetensors arrived with the hash [0-9a-f]{64}, the hub says/)
  hub.corrupt.clear()
  await run(Checkpoint.open(repo, options()))
})

it("pins a commit; a revision, a name and a model that are not there are refused in words", async () => {
  const folder = await run(Hub.download(repo, options({ revision: HubDouble.commit })))
  expect(folder.endsWith(HubDouble.commit)).toBe(true)
  const refuse = async (name: string, more: Hub.DownloadOptions = {}) =>
    (await run(Effect.flip(Hub.download(name, options(more))))).message
  expect(await refuse(repo, { revision: "v9" })).toMatch(/tiny\/qwen3 at v9: the hub has no such model or revision/)
  expect(await refuse("tiny/other")).toMatch(/no such model/)
  expect(await refuse("a/b/c")).toMatch(/neither a folder nor the name of a model/)
  expect(await refuse(repo, { revision: "../../x" })).toMatch(/revision "\.\.\/\.\.\/x" is not/)
})

it("works offline from what the cache has, also by the environment, and says when it has nothing", async () => {
  const nothing = await run(Effect.flip(Checkpoint.open(repo, options({ offline: true }))))
  expect(nothing.message).toMatch(/is not in the cache .* download it once without HF_HUB_OFFLINE/)
  await run(Hub.download(repo, options()))
  hub.requests.length = 0
  const env = { HF_HUB_OFFLINE: "1", HF_HUB_CACHE: cacheFolder, HF_ENDPOINT: hub.endpoint }
  const checkpoint = await run(Checkpoint.open(repo), env)
  expect(checkpoint.values.length).toBeGreaterThan(0)
  await run(Checkpoint.open(repo, options({ offline: true, revision: HubDouble.commit })))
  expect(hub.requests).toEqual([])
})

it("shows its token, and explains a refusal without printing it", async () => {
  await hub.close()
  hub = await HubDouble.start(repo, await fixture(), { token: "hf_secret" })
  const refuse = async (token: string) =>
    (await run(Effect.flip(Hub.download(repo, options({ token: Redacted.make(token) }))))).message
  expect(await refuse("hf_wrong")).toMatch(/refuses access \(401\); give a token/)
  expect(await refuse("hf_wrong")).not.toMatch(/wrong/)
  expect(await refuse("wrong")).toMatch(/tokens start with hf_/)
  await run(Hub.download(repo, options({ token: Redacted.make("hf_secret") })))
  await run(Hub.download(repo, options()), { HF_TOKEN: "hf_secret" })
})
