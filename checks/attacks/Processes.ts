/** The processes below another one, and what they take, as reported by the kernel. */
import { readdirSync, readFileSync } from "node:fs"

const read = (path: string): string => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return "" // It has ended meanwhile.
  }
}

const childrenOf = (pid: number): ReadonlyArray<number> => {
  const threads = (() => {
    try {
      return readdirSync(`/proc/${pid}/task`)
    } catch {
      return []
    }
  })()
  return threads.flatMap((thread) =>
    read(`/proc/${pid}/task/${thread}/children`).trim().split(" ").filter(Boolean).map(Number),
  )
}

/** All processes below `pid`, in no order. */
export const below = (pid: number): ReadonlyArray<number> => {
  const children = childrenOf(pid)
  return [...children, ...children.flatMap(below)]
}

/** MiB that a process has resident, or had at most; 0 where there is none. */
export const memory = (pid: number, what: "VmHWM" | "VmRSS"): number =>
  Number(new RegExp(`^${what}:\\s*(\\d+) kB`, "m").exec(read(`/proc/${pid}/status`))?.[1] ?? 0) / 1024

/** Which of `pids` there still are; one that has ended and was not waited for is gone too. */
export const alive = (pids: ReadonlyArray<number>): ReadonlyArray<number> =>
  pids.filter((pid) => /^State:\s*[^ZX\s]/m.test(read(`/proc/${pid}/status`)))
