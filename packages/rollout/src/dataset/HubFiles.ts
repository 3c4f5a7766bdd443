/** Which files of a dataset's repository are the split that is asked for: as its card says, or else as its files are named. */
import { matchesGlob } from "node:path"

/** What is asked for; null: the repository's default configuration, and the split `train` or the only one. */
export interface Wanted {
  readonly config: string | null
  readonly split: string | null
}

/** The part of a dataset's card that says which files are what. */
export interface Card {
  readonly configs?: ReadonlyArray<{
    readonly config_name: string
    readonly default?: boolean
    readonly data_files?:
      | string
      | ReadonlyArray<string>
      | ReadonlyArray<{ readonly split: string; readonly path: string | ReadonlyArray<string> }>
  }>
}

const isData = (path: string): boolean => /\.(?:parquet|(?:jsonl?|ndjson)(?:\.gz)?)$/.test(path)
/** Descriptions that are not rows. */
const isAside = (path: string): boolean => /(?:^|\/)(?:dataset_infos?|state|config|package)\.json$|^\./.test(path)

/** How files are named after splits. */
const names: Readonly<Record<string, RegExp>> = {
  train: /(?:^|[/_.\- ])train(?:ing)?(?:$|[/_.\- ]|\d)/i,
  validation: /(?:^|[/_.\- ])(?:val(?:idation)?|dev)(?:$|[/_.\- ]|\d)/i,
  test: /(?:^|[/_.\- ])(?:test|eval(?:uation)?)(?:$|[/_.\- ]|\d)/i,
}
const splitNamed = (path: string): string =>
  Object.keys(names).find((split) => names[split].test(path.replace(/\.[a-z.]+$/, ""))) ?? "train"

/** Files by split. */
type Splits = ReadonlyMap<string, ReadonlyArray<string>>

const grouped = (pairs: ReadonlyArray<readonly [split: string, path: string]>): Splits => {
  const splits = new Map<string, Array<string>>()
  for (const [split, path] of pairs) splits.set(split, [...(splits.get(split) ?? []), path])
  return splits
}

const choose = (splits: Splits, wanted: string | null, what: string): ReadonlyArray<string> | string => {
  const all = [...splits.keys()].join(", ")
  if (wanted === null && splits.size === 1) return [...splits.values()][0]
  return (
    splits.get(wanted ?? "train") ??
    (wanted === null
      ? `${what} has no split train; name one of ${all}`
      : `${what} has no split "${wanted}"; it has ${all}`)
  )
}

/** The files of the split, sorted; or why there are none, in one line. */
export const filesOf = (
  paths: ReadonlyArray<string>,
  card: Card | null,
  { config, split }: Wanted,
): ReadonlyArray<string> | string => {
  const data = paths.filter((path) => isData(path) && !isAside(path)).sort()
  if (data.length === 0) return "has no file of Parquet, JSON lines or JSON; convert it first"
  const configs = (card?.configs ?? []).filter(({ data_files }) => data_files !== undefined)
  if (configs.length > 0) {
    const found =
      config === null
        ? (configs.find((one) => one.default === true || one.config_name === "default") ??
          (configs.length === 1 ? configs[0] : undefined))
        : configs.find(({ config_name }) => config_name === config)
    const all = configs.map(({ config_name }) => config_name).join(", ")
    if (found === undefined)
      return config === null
        ? `has several configurations; name one of ${all}`
        : `has no configuration "${config}"; it has ${all}`
    const given = typeof found.data_files === "string" ? [found.data_files] : (found.data_files ?? [])
    const entries = given.map((entry) =>
      typeof entry === "string" ? { split: "train", path: [entry] } : { split: entry.split, path: [entry.path].flat() },
    )
    const pairs = entries.flatMap((entry) =>
      data
        .filter((path) => entry.path.some((pattern) => path === pattern || matchesGlob(path, pattern)))
        .map((path) => [entry.split, path] as const),
    )
    return choose(grouped(pairs), split, config === null ? "it" : `its configuration ${config}`)
  }
  const inside = config === null ? data : data.filter((path) => path.startsWith(`${config}/`))
  if (inside.length === 0) {
    const folders = [...new Set(data.map((path) => path.split("/").slice(0, -1).join("/")))].join(", ")
    return `has no configuration "${config}"; its files lie in ${folders || "no folder"}`
  }
  return choose(grouped(inside.map((path) => [splitNamed(path), path] as const)), split, "it")
}
