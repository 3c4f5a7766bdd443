/**
 * How many cores this process may use. The processor's affinity is in `os.availableParallelism`; the quota of a container, which
 * that call leaves out on some systems, is in the files of its control group: `cpu.max` of version 2, `cpu.cfs_quota_us` of version
 * 1, in the group of the process and in every group above it.
 *
 * @module
 */
import "@lpo/rollout/SupportedNode"
import { readFileSync } from "node:fs"
import { availableParallelism } from "node:os"

/** A file's text, or null where it cannot be read. @category models */
export type Read = (path: string) => string | null

const readFile: Read = (path) => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return null
  }
}

/** `/a/b`, `/a`, `` (the root). */
const withParents = (path: string): ReadonlyArray<string> => {
  const parts = path.split("/").filter((part) => part !== "")
  return Array.from({ length: parts.length + 1 }, (_, i) =>
    parts
      .slice(0, parts.length - i)
      .map((part) => `/${part}`)
      .join(""),
  )
}

/** Cores that the control groups leave, a fraction or Infinity. */
const quota = (read: Read): number => {
  const shares = (read("/proc/self/cgroup") ?? "").split("\n").flatMap((line) => {
    const [id, controllers = "", path = ""] = line.split(":")
    if (id === "0" && controllers === "") {
      return withParents(path).map((group) => {
        const [most, period] = (read(`/sys/fs/cgroup${group}/cpu.max`) ?? "max").trim().split(/\s+/)
        return Number(most) / Number(period)
      })
    }
    if (!controllers.split(",").includes("cpu")) return []
    // In a container the group of the process is often the root of what is mounted.
    return withParents(path).map((group) => {
      const file = (name: string) => Number(read(`/sys/fs/cgroup/${controllers}${group}/${name}`) ?? Number.NaN)
      return file("cpu.cfs_quota_us") / file("cpu.cfs_period_us")
    })
  })
  return shares.filter((share) => share > 0).reduce((a, b) => Math.min(a, b), Infinity)
}

/** Whole cores for this process, at least 1. @category combinators */
export const allowed = (read: Read = readFile, machine: number = availableParallelism()): number =>
  Math.max(1, Math.min(machine, Math.floor(quota(read))))
