/** Datasets of a double of the hub: which files a split has, what the cache keeps, what goes on after a broken connection. */
import { createHash } from "node:crypto"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Dataset } from "@lpo/rollout"
import { ConfigProvider, Effect } from "effect"
import { afterAll, beforeAll, expect, it } from "vitest"

const commit = "89abcdef0123456789abcdef0123456789abcdef"
const lines = (from: number, count: number): Buffer =>
  Buffer.from(Array.from({ length: count }, (_, i) => `{"i": ${from + i}}\n`).join(""))

interface Repo {
  readonly files: Readonly<Record<string, Buffer>>
  readonly cardData?: unknown
}
const repos: Readonly<Record<string, Repo>> = {
  "own/named": {
    files: {
      "README.md": lines(0, 1),
      "train.jsonl": lines(0, 3),
      "test.jsonl": lines(10, 2),
      "dataset_infos.json": lines(0, 1),
    },
  },
  "own/card": {
    files: {
      "a/part-1.jsonl": lines(0, 2),
      "a/part-0.jsonl": lines(5, 2),
      "b/x.jsonl": lines(9, 1),
      "c.jsonl": lines(7, 1),
    },
    cardData: {
      configs: [
        {
          config_name: "one",
          default: true,
          data_files: [
            { split: "train", path: "a/part-*" },
            { split: "test", path: ["b/x.jsonl"] },
          ],
        },
        { config_name: "two", data_files: "c.jsonl" },
      ],
    },
  },
  "own/single": { files: { "data.json": Buffer.from('[{"i": 4}]') } },
  "own/up": { files: { "data/../../../../up/train.jsonl": lines(0, 1) } },
  "own/root": { files: { "/train.jsonl": lines(0, 1) } },
  "own/dot": { files: { "data/./train.jsonl": lines(0, 1) } },
  "own/back": { files: { "data\\..\\..\\train.jsonl": lines(0, 1) } },
  "own/none": { files: { "README.md": lines(0, 1) } },
}

const requests: Array<string> = []
let breakAfter: number | null = null
let server: Server
let endpoint = ""
const cache = await mkdtemp(join(tmpdir(), "lpo-hub-rows-"))

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? "", "http://hub").pathname)
    requests.push(`${path} ${request.headers.range ?? ""}`.trim())
    const json = (status: number, body: unknown): void =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
    const name = Object.keys(repos).find((repo) => path.includes(`datasets/${repo}/`))
    if (name === undefined) return json(404, { error: "Repository not found" })
    const { cardData, files } = repos[name]
    if (/\/revision\/(?:main|v1)$/.test(path))
      return json(200, { _id: "1", id: name, sha: commit, private: false, cardData })
    if (path.endsWith(`/tree/${commit}`))
      return json(
        200,
        Object.entries(files).map(([file, data]) => ({
          type: "file",
          path: file,
          size: data.length,
          oid: createHash("sha1").update(`blob ${data.length}\0`).update(data).digest("hex"),
        })),
      )
    const data = files[path.split(`/resolve/${commit}/`)[1] ?? ""]
    if (data === undefined) return json(404, { error: "no such file" })
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? []
    const body = from === undefined ? data : data.subarray(Number(from), Number(to) + 1)
    response.writeHead(from === undefined ? 200 : 206, {
      etag: '"x"',
      "content-length": body.length,
      ...(from === undefined ? {} : { "content-range": `bytes ${from}-${to}/${data.length}` }),
    })
    if (breakAfter === null || body.length <= breakAfter) return void response.end(body)
    const limit = breakAfter
    breakAfter = null
    response.write(body.subarray(0, limit), () => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  await rm(cache, { recursive: true })
})

const run = <A, E>(effect: Effect.Effect<A, E>, env: Readonly<Record<string, string>> = {}) =>
  effect.pipe(
    Effect.provide(
      ConfigProvider.layer(ConfigProvider.fromUnknown({ HF_ENDPOINT: endpoint, HF_HUB_CACHE: cache, ...env })),
    ),
    Effect.runPromise,
  )
const opened = (name: string, options: Dataset.HubOptions = {}) =>
  Effect.scoped(
    Effect.flatMap(Dataset.open(name, options), (rows) =>
      Effect.map(rows.read([...Array(rows.length).keys()]), (found) => ({
        source: rows.source,
        rows: found.map((row) => (row as { i: number }).i),
        fingerprint: rows.fingerprint,
      })),
    ),
  )
const why = (name: string, env: Readonly<Record<string, string>> = {}) =>
  run(
    Effect.map(Effect.flip(opened(name)), ({ message }) => message),
    env,
  )
const offline = { HF_HUB_OFFLINE: "1", HF_ENDPOINT: "http://127.0.0.1:1" }

it.each([
  ["own/named", [0, 1, 2]],
  ["own/named:test", [10, 11]],
  ["own/named@v1:train", [0, 1, 2]],
  ["own/card", [5, 6, 0, 1]],
  ["own/card:test", [9]],
  ["own/card:two/train", [7]],
  ["own/single", [4]],
])("takes the files of %s, and the same ones from the cache", async (name, rows) => {
  const online = await run(opened(name))
  expect(online).toMatchObject({ source: `${name.split(/[@:]/)[0]}@${commit}`, rows })
  const before = requests.length
  expect(await run(opened(name), offline)).toEqual(online)
  expect(requests.length).toBe(before)
  // A second time only the hub's list is asked for.
  await run(opened(name))
  expect(requests.slice(before).filter((request) => request.includes("/resolve/"))).toEqual([])
})

it("goes on where a connection broke, and says how far it is", async () => {
  breakAfter = 7
  const seen: Array<number> = []
  const elsewhere = await mkdtemp(join(tmpdir(), "lpo-hub-rows-"))
  try {
    const options: Dataset.HubOptions = { cacheFolder: elsewhere, onProgress: ({ received }) => seen.push(received) }
    expect((await run(opened("own/named", options))).rows).toEqual([0, 1, 2])
    expect(requests.at(-1)).toMatch(/train\.jsonl bytes=7-/)
    expect(seen).toContain(7)
    expect(seen.at(-1)).toBe(lines(0, 3).length)
  } finally {
    await rm(elsewhere, { recursive: true })
  }
})

it("says in one line why there are no rows", async () => {
  expect(await why("own/none")).toMatch(/own\/none at main: has no file of Parquet, JSON lines or JSON/)
  expect(await why("own/card:dev")).toMatch(/has no split "dev"; it has train, test/)
  expect(await why("own/card:three/train")).toMatch(/has no configuration "three"; it has one, two/)
  expect(await why("own/absent")).toMatch(/the hub has no such dataset or revision/)
  expect(await why("own/named@v9")).toMatch(/own\/named at v9: the hub has no such dataset or revision/)
  expect(await why("what is this?")).toMatch(/is neither a file nor name/)
  expect(await why("own/other", offline)).toMatch(/is not in the cache .* and this is offline; download it once/)
})

it.each(["own/up", "own/root", "own/dot", "own/back"])("writes no file of %s outside of the cache", async (name) => {
  expect(await why(name)).toMatch(/the hub lists a file ".*", which is not within it/)
})
