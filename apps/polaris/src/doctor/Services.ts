/** What is reached over the network: the servers you give, and the hub. Without a network it says so, and nothing fails. */
import { existsSync } from "node:fs"
import { readdir } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { Config, Effect, Option } from "effect"
import { type Finding, look } from "./Finding.ts"

/** Time limit of an answer. */
const seconds = 10

const ask = (url: string, headers: Readonly<Record<string, string>> = {}) =>
  Effect.tryPromise({
    try: async () => {
      const response = await fetch(url, { headers, signal: AbortSignal.timeout(seconds * 1000) })
      const text = await response.text()
      if (!response.ok) throw new Error(`${url} answers ${response.status}`)
      return text
    },
    catch: (cause) => {
      const { cause: inner, message } = cause as Error
      return { message: inner instanceof Error ? `${url}: ${inner.message || inner.name}` : message }
    },
  })

const secret = (name: string) =>
  Effect.map(
    Config.option(Config.String(name)).pipe(Effect.orElseSucceed(() => Option.none<string>())),
    Option.getOrUndefined,
  )

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null

/** The texts of a key in the objects of a list. */
const named = (text: string, list: string, key: string): ReadonlyArray<string> => {
  try {
    const parsed: unknown = JSON.parse(text)
    const items: unknown = isRecord(parsed) ? parsed[list] : null
    return Array.isArray(items)
      ? items.flatMap((item: unknown) => (isRecord(item) && typeof item[key] === "string" ? [item[key]] : []))
      : []
  } catch {
    return []
  }
}

/** A Tinker server: whether it answers, and which models it has. */
const tinker = (url: string): Effect.Effect<Finding> =>
  look(
    { group: "servers", what: `Tinker server ${url}` },
    Effect.gen(function* () {
      const key = yield* secret("TINKER_API_KEY")
      const headers = key === undefined ? {} : { "X-API-Key": key }
      yield* ask(`${url}/api/v1/healthz`, headers)
      const models = named(
        yield* ask(`${url}/api/v1/get_server_capabilities`, headers),
        "supported_models",
        "model_name",
      )
      return `answers; models: ${models.join(", ") || "none listed"}; TINKER_API_KEY is ${key === undefined ? "not set" : "set"}. Its gradients are checked when a run starts`
    }),
    {
      state: "broken",
      fix: "start it, or fix the URL: the part before /api/v1, such as http://127.0.0.1:8000; its key is TINKER_API_KEY",
    },
  )

/** A server that samples: whether it answers, and what it calls its models. */
const rollouts = (url: string): Effect.Effect<Finding> =>
  look(
    { group: "servers", what: `rollout server ${url}` },
    Effect.gen(function* () {
      const key = yield* secret("LPO_ROLLOUTS_KEY")
      const models = named(
        yield* ask(`${url}/v1/models`, key === undefined ? {} : { authorization: `Bearer ${key}` }),
        "data",
        "id",
      )
      return `answers; models for --served-name: ${models.join(", ") || "none listed"}; LPO_ROLLOUTS_KEY is ${key === undefined ? "not set" : "set"}. Its log-probs are checked when a run starts`
    }),
    {
      state: "broken",
      fix: "start it (vllm serve MODEL --enable-lora), or fix the URL: the part before /v1; its key is LPO_ROLLOUTS_KEY",
    },
  )

const hub = Effect.gen(function* () {
  const [endpoint, offline, cache, home, token] = yield* Effect.all(
    ["HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_HUB_CACHE", "HF_HOME", "HF_TOKEN"].map(secret),
  )
  const folder = cache ?? join(home ?? join(homedir(), ".cache", "huggingface"), "hub")
  const kept: Finding = yield* Effect.promise(async () => {
    const names = existsSync(folder) ? await readdir(folder).catch((cause: Error) => cause) : []
    if (names instanceof Error)
      return {
        group: "hub",
        what: "hub's cache",
        state: "broken",
        seen: `${folder} cannot be read (${names.message})`,
        fix: "give a folder that you may read, as HF_HUB_CACHE",
      } as const
    const count = (kind: string): number => names.filter((name) => name.startsWith(`${kind}--`)).length
    return {
      group: "hub",
      what: "hub's cache",
      state: "ok",
      seen: `${count("models")} models and ${count("datasets")} datasets in ${folder}; HF_TOKEN is ${token === undefined ? "not set" : "set"}`,
      fix: null,
    } as const
  })
  const isOffline = offline !== undefined && ["1", "true", "yes", "on"].includes(offline.toLowerCase())
  const online: Finding = isOffline
    ? {
        group: "hub",
        what: "hub",
        state: "absent",
        seen: "HF_HUB_OFFLINE is set",
        fix: "unset it to download; what is in the cache can be used",
      }
    : yield* look(
        { group: "hub", what: "hub" },
        Effect.as(ask(`${(endpoint ?? "https://huggingface.co").replace(/\/+$/, "")}/api/models?limit=1`), "answers"),
        {
          state: "absent",
          fix: "no download is possible; use files (--data FILE, --model FOLDER), the cache (HF_HUB_OFFLINE=1), or a mirror (HF_ENDPOINT)",
        },
      )
  return [online, kept]
})

export const all = (servers: { readonly server: string | null; readonly rollouts: string | null }) => {
  const urls = (text: string | null): ReadonlyArray<string> =>
    (text ?? "")
      .split(",")
      .map((url) => url.trim().replace(/\/+$/, ""))
      .filter((url) => url !== "")
  return Effect.map(
    Effect.all(
      [
        hub,
        Effect.all([...urls(servers.server).map(tinker), ...urls(servers.rollouts).map(rollouts)], {
          concurrency: "unbounded",
        }),
      ],
      { concurrency: 2 },
    ),
    (found) => found.flat(),
  )
}
