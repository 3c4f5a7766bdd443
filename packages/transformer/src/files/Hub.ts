/**
 * Checkpoints of the Hugging Face hub, in the hub's own cache: what Python or another program downloaded is found, and the other
 * way round. `@huggingface/hub` speaks to the hub; this module keeps partial files to go on from, reports progress, and checks
 * every file against its hash before it counts.
 *
 * Files come over plain HTTP ranges, which is what can be resumed byte by byte. A revision is resolved to a commit first, so that
 * all files are of one commit.
 *
 * @module
 */
import { createHash } from "node:crypto"
import { copyFile, rename, rm, stat, symlink } from "node:fs/promises"
import { homedir } from "node:os"
import { dirname, join, relative } from "node:path"
import { RegularFile } from "@lpo/rollout"
import { Config, Effect, Option, Redacted, Schedule } from "effect"
import { io } from "../Files.ts"
import { ModelError } from "../TransformerError.ts"

/** @category models */
export interface Progress {
  readonly file: string
  /** Bytes of this file that are there, those of an earlier try included. */
  readonly received: number
  readonly size: number
  /** Bytes of all files that are there, and in all. */
  readonly totalReceived: number
  readonly totalSize: number
}

/** @category models */
export interface DownloadOptions {
  /** Branch, tag or commit. Default `main`; a commit is the only one that cannot change. */
  readonly revision?: string
  /** Default: `HF_TOKEN`. */
  readonly token?: Redacted.Redacted<string>
  /** Take what the cache has and never ask the hub. Default: `HF_HUB_OFFLINE`. */
  readonly offline?: boolean
  /** Default: `HF_HUB_CACHE`, or `hub` in `HF_HOME`, or `~/.cache/huggingface/hub`. */
  readonly cacheFolder?: string
  /** Default: `HF_ENDPOINT`, or the public hub. */
  readonly endpoint?: string
  readonly onProgress?: (progress: Progress) => void
  /** Only these files, such as a `config.json` to look at before the weights come; the cache does not count as having the revision. */
  readonly only?: RegExp
}

/** What belongs to a checkpoint or an adapter; other formats of the same weights stay where they are. */
const wanted =
  /^((adapter_|generation_)?config\.json|tokenizer(_config)?\.json|special_tokens_map\.json|added_tokens\.json|vocab\.json|merges\.txt|chat_template\.jinja|(adapter_)?model(-\d+-of-\d+)?\.safetensors(\.index\.json)?)$/

const commitPattern = /^[0-9a-f]{40}$/

interface RemoteFile {
  readonly path: string
  readonly size: number
  /** Name of the blob in the cache: the SHA-256 of a large file, the git object id of a small one. */
  readonly hash: string
  readonly large: boolean
}

interface Settings {
  readonly repo: string
  readonly revision: string
  readonly token: string | undefined
  readonly endpoint: string | undefined
  readonly cache: string
}

const isTrue = (text: string): boolean => ["1", "true", "yes", "on"].includes(text.toLowerCase())

const settingsOf = Effect.fn("Hub.settings")(function* (repo: string, options: DownloadOptions) {
  const env = yield* Config.all({
    token: Config.option(Config.Redacted("HF_TOKEN")),
    offline: Config.option(Config.String("HF_HUB_OFFLINE")),
    cache: Config.option(Config.String("HF_HUB_CACHE")),
    home: Config.option(Config.String("HF_HOME")),
    endpoint: Config.option(Config.String("HF_ENDPOINT")),
  }).pipe(Effect.mapError((error) => new ModelError({ reason: `environment: ${error.message}` })))
  const home = Option.getOrElse(env.home, () => join(homedir(), ".cache", "huggingface"))
  const token = options.token ?? Option.getOrUndefined(env.token)
  if (token !== undefined && !Redacted.value(token).startsWith("hf_"))
    return yield* new ModelError({ reason: "the hub's tokens start with hf_; this one does not (HF_TOKEN)" })
  const settings: Settings = {
    repo,
    revision: options.revision ?? "main",
    token: token === undefined ? undefined : Redacted.value(token),
    endpoint: (options.endpoint ?? Option.getOrUndefined(env.endpoint))?.replace(/\/+$/, ""),
    cache: join(
      options.cacheFolder ?? Option.getOrElse(env.cache, () => join(home, "hub")),
      `models--${repo.replace("/", "--")}`,
    ),
  }
  return {
    offline: options.offline ?? Option.match(env.offline, { onNone: () => false, onSome: isTrue }),
    settings,
  }
})

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

const credentials = ({ endpoint, token }: Settings) => ({
  ...(endpoint === undefined ? {} : { hubUrl: endpoint }),
  ...(token === undefined ? {} : { accessToken: token }),
})

/** A failure of the hub, in words; `retryable` where a second try may help. */
const explain = ({ repo, revision }: Settings, cause: unknown): { reason: string; retryable: boolean } => {
  const status = (cause as { statusCode?: number }).statusCode
  const where = `${repo} at ${revision}`
  if (status === 401 || status === 403) {
    return {
      reason: `${where}: the hub refuses access (${status}); give a token that may read it (HF_TOKEN), and accept the model's terms on its page`,
      retryable: false,
    }
  }
  if (status === 404)
    return { reason: `${where}: the hub has no such model or revision, or hides it from this token`, retryable: false }
  const { cause: inner, message } = cause as Error
  const detail = inner instanceof Error ? `${message}: ${inner.message}` : message
  return {
    reason: `${where}: ${detail}; for a model that is in the cache already, go offline (HF_HUB_OFFLINE=1)`,
    retryable: status === undefined || status === 429 || status >= 500,
  }
}

const retries = Schedule.exponential("500 millis")

/** Runs a request to the hub, a few times where that may help. */
const ask = <A>(settings: Settings, run: () => Promise<A>): Effect.Effect<A, ModelError> =>
  Effect.tryPromise({ try: run, catch: (cause) => explain(settings, cause) }).pipe(
    Effect.retry({ schedule: retries, times: 3, while: (failure) => failure.retryable }),
    Effect.mapError(({ reason }) => new ModelError({ reason })),
  )

/** The hash by which a blob is named. */
const hashOf = async (path: string, { large, size }: RemoteFile): Promise<string> => {
  const hash = createHash(large ? "sha256" : "sha1")
  if (!large) hash.update(`blob ${size}\0`)
  for await (const part of RegularFile.pieces(path)) hash.update(part)
  return hash.digest("hex")
}

/** Fetches one file behind what is there of it, and puts it in the cache under its hash. */
const fetchBlob = Effect.fn("Hub.fetch")(function* (
  settings: Settings,
  commit: string,
  file: RemoteFile,
  onReceived: (received: number) => void,
) {
  const hub = yield* Effect.promise(() => import("@huggingface/hub"))
  const blob = join(settings.cache, "blobs", file.hash)
  const partial = `${blob}.incomplete`
  yield* ask(settings, async () => {
    await RegularFile.makeFolder(dirname(blob))
    const handle = await RegularFile.open(partial, "a")
    try {
      let { size: have } = await handle.stat()
      if (have > file.size) {
        await handle.truncate(0)
        have = 0
      }
      onReceived(have)
      if (have === file.size) return
      const remote = await hub.downloadFile({
        ...credentials(settings),
        repo: settings.repo,
        path: file.path,
        revision: commit,
        xet: false,
      })
      if (remote === null) throw new Error(`the hub lists ${file.path} but does not give it`)
      if (remote.size !== file.size)
        throw new Error(`the hub says that ${file.path} has ${file.size} bytes, then ${remote.size}`)
      for await (const part of have === 0 ? remote.stream() : remote.slice(have).stream()) {
        await handle.writeFile(part)
        have += part.length
        onReceived(have)
      }
      if (have !== file.size) throw new Error(`the connection ended at byte ${have} of ${file.size} of ${file.path}`)
      await handle.sync()
    } finally {
      await handle.close()
    }
  })
  const hash = yield* io(partial, () => hashOf(partial, file))
  if (hash !== file.hash) {
    yield* io(partial, () => rm(partial, { force: true }))
    return yield* new ModelError({
      reason: `${settings.repo}: ${file.path} arrived with the hash ${hash}, the hub says ${file.hash}; it was discarded; try again`,
    })
  }
  yield* io(blob, () => rename(partial, blob))
  return
})

/** Places a blob in the snapshot of a commit. */
const link = (blob: string, path: string): Effect.Effect<void, ModelError> =>
  io(path, async () => {
    await RegularFile.makeFolder(dirname(path))
    await rm(path, { force: true })
    // Where links need a privilege (Windows), a copy does.
    const copy = `${path}.tmp-${process.pid}`
    await symlink(relative(dirname(path), blob), path).catch(async () => {
      await copyFile(blob, copy)
      await rename(copy, path)
    })
  })

/** The commit that the cache has for a revision, and its folder. */
const cached = Effect.fn("Hub.cached")(function* ({ cache, repo, revision }: Settings) {
  const commit = commitPattern.test(revision)
    ? revision
    : yield* Effect.promise(() =>
        RegularFile.text(join(cache, "refs", revision)).then(
          (text) => text?.trim() ?? null,
          () => null,
        ),
      )
  const folder = commit === null ? null : join(cache, "snapshots", commit)
  if (folder === null || !(yield* Effect.promise(() => exists(folder)))) {
    return yield* new ModelError({
      reason: `${repo} at ${revision}: is not in the cache (${cache}), and this is offline; download it once without HF_HUB_OFFLINE`,
    })
  }
  return folder
})

const listWanted = async (settings: Settings, commit: string): Promise<ReadonlyArray<RemoteFile>> => {
  const hub = await import("@huggingface/hub")
  const files: Array<RemoteFile> = []
  for await (const entry of hub.listFiles({ ...credentials(settings), repo: settings.repo, revision: commit })) {
    const hash = entry.lfs?.oid ?? entry.oid ?? ""
    if (entry.type !== "file" || !wanted.test(entry.path)) continue
    if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(hash)) throw new Error(`${entry.path} has no hash, got "${hash}"`)
    files.push({ path: entry.path, size: entry.size, hash, large: entry.lfs !== undefined })
  }
  return files
}

/**
 * The folder of a model in the local cache, after whatever is missing has been downloaded. Fails with a `ModelError` that says
 * what to do; what was received of a file is kept, and the next call goes on from there.
 *
 * @category io
 */
export const download = Effect.fn("Hub.download")(function* (repo: string, options: DownloadOptions = {}) {
  if (!/^[\w-][\w.-]*(\/[\w-][\w.-]*)?$/.test(repo))
    return yield* new ModelError({
      reason: `"${repo}" is neither a folder nor the name of a model, such as Qwen/Qwen3-0.6B`,
    })
  const { offline, settings } = yield* settingsOf(repo, options)
  const { cache, revision } = settings
  if (!/^[\w-][\w./-]*$/.test(revision) || revision.includes(".."))
    return yield* new ModelError({ reason: `revision "${revision}" is not the name of a branch, a tag or a commit` })
  if (offline) return yield* cached(settings)
  const { sha: commit } = yield* ask(settings, async () => {
    const hub = await import("@huggingface/hub")
    return hub.modelInfo({ ...credentials(settings), name: repo, revision, additionalFields: ["sha"] })
  })
  if (!commitPattern.test(commit))
    return yield* new ModelError({ reason: `${repo} at ${revision}: the hub names the commit "${commit}"` })
  const { only } = options
  const listed = yield* ask(settings, () => listWanted(settings, commit))
  const files = only === undefined ? listed : listed.filter(({ path }) => only.test(path))
  if (!listed.some(({ path }) => path.endsWith("config.json")))
    return yield* new ModelError({ reason: `${repo} at ${revision}: has no config.json, so it is not a checkpoint` })
  const folder = join(cache, "snapshots", commit)
  const totalSize = files.reduce((sum, file) => sum + file.size, 0)
  let before = 0
  for (const file of files) {
    const blob = join(cache, "blobs", file.hash)
    const report = (received: number): void =>
      options.onProgress?.({
        file: file.path,
        received,
        size: file.size,
        totalReceived: before + received,
        totalSize,
      })
    if (!(yield* Effect.promise(() => exists(blob)))) yield* fetchBlob(settings, commit, file, report)
    report(file.size)
    before += file.size
    const path = join(folder, file.path)
    if (!(yield* Effect.promise(() => exists(path)))) yield* link(blob, path)
  }
  if (revision !== commit && only === undefined) {
    const ref = join(cache, "refs", revision)
    yield* io(ref, async () => {
      await RegularFile.makeFolder(dirname(ref))
      await RegularFile.write(ref, commit)
    })
  }
  return folder
})
