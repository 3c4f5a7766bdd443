/**
 * Datasets of the Hugging Face hub, in the hub's own cache: what Python downloaded is found, and the other way round. A revision is
 * resolved to a commit first, so that all files are of one commit; a file that was cut off is gone on with, and every file is checked
 * against its hash before it counts.
 */
import { createHash } from "node:crypto"
import { copyFile, readdir, rename, rm, stat, symlink } from "node:fs/promises"
import { homedir } from "node:os"
import { dirname, join, relative } from "node:path"
import { Config, Effect, Option, Redacted, Schedule } from "effect"
import * as Received from "../Received.ts"
import * as RegularFile from "../RegularFile.ts"
import type { DatasetError } from "../RolloutError.ts"
import { filesOf } from "./HubFiles.ts"
import { fault, io } from "./Rows.ts"

/** @category models */
export interface Progress {
  readonly file: string
  /** Bytes of all files that are there, those of an earlier try included, and in all. */
  readonly received: number
  readonly size: number
}

/** @category models */
export interface Options {
  /** Default: `HF_TOKEN`. */
  readonly token?: Redacted.Redacted<string>
  /** Take what the cache has and never ask the hub. Default: `HF_HUB_OFFLINE`. */
  readonly offline?: boolean
  /** Default: `HF_HUB_CACHE`, or `hub` in `HF_HOME`, or `~/.cache/huggingface/hub`. */
  readonly cacheFolder?: string
  /** Default: `HF_ENDPOINT`, or the public hub. */
  readonly endpoint?: string
  readonly onProgress?: (progress: Progress) => void
}

/** Files of one commit. @category models */
export interface Located {
  /** The name with the commit that it was resolved to. */
  readonly source: string
  /** In order, in the cache. */
  readonly files: ReadonlyArray<string>
}

interface Name {
  readonly repo: string
  readonly revision: string
  readonly config: string | null
  readonly split: string | null
}

/** `name[@revision][:[config/]split]`; null where it is written otherwise. */
const parse = (text: string): Name | null => {
  const found =
    /^(?<repo>[\w-][\w.-]*(?:\/[\w-][\w.-]*)?)(?:@(?<revision>[\w-][\w./-]*))?(?::(?:(?<config>[\w .+-]+)\/)?(?<split>[\w.-]+))?$/.exec(
      text,
    )?.groups
  if (found === undefined || /\.\./.test(found["revision"] ?? "")) return null
  const { config, repo, revision, split } = found
  return { repo, revision: revision ?? "main", config: config ?? null, split: split ?? null }
}

interface Settings {
  readonly name: Name
  readonly credentials: { readonly hubUrl?: string; readonly accessToken?: string }
  /** The repository's folder in the cache. */
  readonly cache: string
  readonly offline: boolean
}

const settingsOf = Effect.fn("Hub.settings")(function* (name: Name, options: Options) {
  const env = yield* Config.all({
    token: Config.option(Config.Redacted("HF_TOKEN")),
    offline: Config.option(Config.String("HF_HUB_OFFLINE")),
    cache: Config.option(Config.String("HF_HUB_CACHE")),
    home: Config.option(Config.String("HF_HOME")),
    endpoint: Config.option(Config.String("HF_ENDPOINT")),
  }).pipe(Effect.mapError((error) => fault(name.repo, `environment: ${error.message}`)))
  const secret = options.token ?? Option.getOrUndefined(env.token)
  const token = secret === undefined ? undefined : Redacted.value(secret)
  if (token !== undefined && !token.startsWith("hf_"))
    return yield* fault(name.repo, "the hub's tokens start with hf_; this one does not (HF_TOKEN)")
  const home = Option.getOrElse(env.home, () => join(homedir(), ".cache", "huggingface"))
  const folder = options.cacheFolder ?? Option.getOrElse(env.cache, () => join(home, "hub"))
  const hubUrl = (options.endpoint ?? Option.getOrUndefined(env.endpoint))?.replace(/\/+$/, "")
  const isOn = (text: string): boolean => ["1", "true", "yes", "on"].includes(text.toLowerCase())
  const settings: Settings = {
    name,
    credentials: { ...(hubUrl !== undefined && { hubUrl }), ...(token !== undefined && { accessToken: token }) },
    cache: join(folder, `datasets--${name.repo.replace("/", "--")}`),
    offline: options.offline ?? Option.match(env.offline, { onNone: () => false, onSome: isOn }),
  }
  return settings
})

/** Runs a request to the hub, a few times where that may help. */
const ask = <A>({ name }: Settings, run: () => Promise<A>): Effect.Effect<A, DatasetError> =>
  Effect.tryPromise({
    try: run,
    catch: (cause) => {
      const status = (cause as { statusCode?: number }).statusCode
      const { cause: inner, message } = cause as Error
      const reason =
        status === 401 || status === 403
          ? `the hub refuses access (${status}); give a token that may read it (HF_TOKEN), and accept the dataset's terms on its page`
          : status === 404
            ? "the hub has no such dataset or revision, or hides it from this token; for a file, give its path with ./"
            : `${message}${inner instanceof Error ? `: ${inner.message}` : ""}; for a dataset that is in the cache already, go offline (HF_HUB_OFFLINE=1)`
      return { reason, retryable: status === undefined || status === 429 || status >= 500 }
    },
  }).pipe(
    Effect.retry({ schedule: Schedule.exponential("500 millis"), times: 3, while: (failure) => failure.retryable }),
    Effect.mapError(({ reason }) => fault(`${name.repo} at ${name.revision}`, reason)),
  )

const exists = (path: string): Effect.Effect<boolean, DatasetError> =>
  io(path, () =>
    stat(path).then(
      () => true,
      (cause: NodeJS.ErrnoException) => {
        if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return false
        throw cause
      },
    ),
  )

interface RemoteFile {
  readonly path: string
  readonly size: number
  /** Name of the blob in the cache: the SHA-256 of a large file, the git object id of a small one. */
  readonly hash: string
  readonly large: boolean
}

/** Fetches one file behind what is there of it, and puts it in the cache under its hash. */
const fetchBlob = Effect.fn("Hub.fetch")(function* (
  settings: Settings,
  commit: string,
  { hash, large, path, size }: RemoteFile,
  onReceived: (received: number) => void,
) {
  const hub = yield* Effect.promise(() => import("@huggingface/hub"))
  const blob = join(settings.cache, "blobs", hash)
  const partial = `${blob}.incomplete`
  const repo = { type: "dataset" as const, name: settings.name.repo }
  yield* ask(settings, async () => {
    await RegularFile.makeFolder(dirname(blob))
    const handle = await RegularFile.open(partial, "a")
    try {
      let { size: have } = await handle.stat()
      if (have > size) {
        await handle.truncate(0)
        have = 0
      }
      onReceived(have)
      if (have === size) return
      const remote = await hub.downloadFile({ ...settings.credentials, repo, path, revision: commit, xet: false })
      if (remote === null) throw new Error(`the hub lists ${path} but does not give it`)
      if (remote.size !== size) throw new Error(`the hub says that ${path} has ${size} bytes, then ${remote.size}`)
      for await (const part of have === 0 ? remote.stream() : remote.slice(have).stream()) {
        await handle.writeFile(part)
        have += part.length
        onReceived(have)
      }
      if (have !== size) throw new Error(`the connection ended at byte ${have} of ${size} of ${path}`)
      await handle.sync()
    } finally {
      await handle.close()
    }
  })
  const found = yield* io(partial, async () => {
    const digest = createHash(large ? "sha256" : "sha1")
    if (!large) digest.update(`blob ${size}\0`)
    for await (const part of RegularFile.pieces(partial)) digest.update(part)
    return digest.digest("hex")
  })
  if (found !== hash) {
    yield* io(partial, () => rm(partial, { force: true }))
    return yield* fault(
      settings.name.repo,
      `${path} arrived with the hash ${found}, the hub says ${hash}; it was discarded; try again`,
    )
  }
  yield* io(blob, () => rename(partial, blob))
  return
})

const isCommit = (text: string): boolean => /^[0-9a-f]{40}$/.test(text)

/** What the hub said of a commit is kept, so that offline the same files are chosen. */
const recordOf = ({ cache, name: { config, split } }: Settings, commit: string): string =>
  join(cache, "lpo", `${commit}-${config ?? ""}-${split ?? ""}.json`)

/** The files that a record names; null where it is damaged. */
const recordIn = (text: string): ReadonlyArray<string> | null => {
  try {
    const names = Received.parse(text)
    return Array.isArray(names) && names.every((path) => typeof path === "string") ? names : null
  } catch {
    return null
  }
}

/** The files of the split in the cache. */
const cached = Effect.fn("Hub.cached")(function* (settings: Settings) {
  const { cache, name } = settings
  const { repo, revision } = name
  const refused = (reason: string) =>
    fault(`${repo} at ${revision}`, `${reason}, and this is offline; download it once without HF_HUB_OFFLINE`)
  const ref = join(cache, "refs", revision)
  const commit = isCommit(revision) ? revision : ((yield* io(ref, () => RegularFile.text(ref)))?.trim() ?? null)
  const folder = commit === null ? null : join(cache, "snapshots", commit)
  if (commit === null || folder === null || !(yield* exists(folder)))
    return yield* refused(`is not in the cache (${cache})`)
  const record = recordOf(settings, commit)
  const there = yield* io(folder, () => readdir(folder, { recursive: true }))
  const kept = yield* io(record, () => RegularFile.text(record))
  const known = kept === null ? null : recordIn(kept)
  if (kept !== null && known === null) return yield* refused(`${record} is damaged`)
  const chosen = known ?? filesOf(there, null, name)
  if (typeof chosen === "string") return yield* refused(`in the cache ${chosen}`)
  const missing = chosen.find((path) => !there.includes(path))
  if (missing !== undefined) return yield* refused(`${missing} is not in the cache (${cache})`)
  return { source: `${repo}@${commit}`, files: chosen.map((path) => join(folder, path)) } satisfies Located
})

/**
 * The files of a dataset of the hub, after whatever is missing has been downloaded: `name[@revision][:[config/]split]`. Fails with a
 * `DatasetError` that says what to do; what was received of a file is kept, and the next call goes on from there.
 *
 * @category io
 */
export const locate = Effect.fn("Hub.locate")(function* (text: string, options: Options = {}) {
  const name = parse(text)
  if (name === null)
    return yield* fault(
      text,
      "is neither a file nor name[@revision][:[config/]split] of the hub, such as HuggingFaceH4/MATH-500:test",
    )
  const settings = yield* settingsOf(name, options)
  if (settings.offline) return yield* cached(settings)
  const { cache, credentials } = settings
  const { repo, revision } = name
  const hub = yield* Effect.promise(() => import("@huggingface/hub"))
  const info = yield* ask(settings, () =>
    hub.datasetInfo({ ...credentials, name: repo, revision, additionalFields: ["sha", "cardData"] }),
  )
  const commit = info.sha
  if (!isCommit(commit)) return yield* fault(text, `the hub names the commit "${commit}"`)
  const listed = yield* ask(settings, async () => {
    const files: Array<RemoteFile> = []
    const list = { ...credentials, repo: { type: "dataset" as const, name: repo }, revision: commit, recursive: true }
    for await (const { lfs, oid, path, size, type } of hub.listFiles(list))
      if (type === "file") files.push({ path, size, hash: lfs?.oid ?? oid ?? "", large: lfs !== undefined })
    return files
  })
  const chosen = filesOf(
    listed.map(({ path }) => path),
    info.cardData ?? null,
    name,
  )
  if (typeof chosen === "string") return yield* fault(`${repo} at ${revision}`, chosen)
  const files = listed.filter(({ path }) => chosen.includes(path)).sort((a, b) => (a.path < b.path ? -1 : 1))
  // Names of the repository become names of the cache.
  const stray = files.find(({ path }) => path.split(/[/\\]/).some((part) => part === "" || /^\.+$/.test(part)))
  if (stray !== undefined) return yield* fault(text, `the hub lists a file "${stray.path}", which is not within it`)
  const nameless = files.find(({ hash }) => !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(hash))
  if (nameless !== undefined) return yield* fault(text, `${nameless.path} has the hash "${nameless.hash}"`)
  const folder = join(cache, "snapshots", commit)
  const size = files.reduce((sum, file) => sum + file.size, 0)
  let before = 0
  for (const file of files) {
    const blob = join(cache, "blobs", file.hash)
    const report = (received: number): void =>
      options.onProgress?.({ file: file.path, received: before + received, size })
    if (!(yield* exists(blob))) yield* fetchBlob(settings, commit, file, report)
    report(file.size)
    before += file.size
    const path = join(folder, file.path)
    if (!(yield* exists(path)))
      yield* io(path, async () => {
        await RegularFile.makeFolder(dirname(path))
        await rm(path, { force: true })
        // Where links need a privilege (Windows), a copy does.
        const copy = `${path}.tmp-${process.pid}`
        await symlink(relative(dirname(path), blob), path).catch(async () => {
          await copyFile(blob, copy)
          await rename(copy, path)
        })
      })
  }
  const paths = files.map(({ path }) => path)
  const record = recordOf(settings, commit)
  const ref = join(cache, "refs", revision)
  yield* io(cache, async () => {
    await RegularFile.makeFolder(dirname(record))
    await RegularFile.write(record, JSON.stringify(paths))
    if (revision === commit) return
    await RegularFile.makeFolder(dirname(ref))
    await RegularFile.write(ref, commit)
  })
  return { source: `${repo}@${commit}`, files: paths.map((path) => join(folder, path)) } satisfies Located
})
