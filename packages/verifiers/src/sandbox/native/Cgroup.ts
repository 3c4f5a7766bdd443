/**
 * A control group of the kernel for each native test, where this process may make one: the limit on memory then holds for everything
 * that the kernel keeps for the test, pages of its files and pipes included. Version 2 or, where memory is still with it, version 1.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

/** The group of one test. */
export interface Group {
  /** Where a process writes 0 to join. */
  readonly procs: string
  /** Whether the kernel ended a process of it for its memory. */
  readonly exhausted: () => boolean
  /** Removes it; its processes are gone. */
  readonly remove: () => void
}

/** Makes groups with a limit in bytes. */
export interface Groups {
  readonly version: 1 | 2
  readonly make: (memory: number) => Group
}

const maxThreads = 256
let serial = 0

const text = (file: string): string => {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}

/** The folder of this process's group in the hierarchy that has memory; null where there is none. */
const own = (): { readonly version: 1 | 2; readonly folder: string } | null => {
  for (const line of text("/proc/self/cgroup").split("\n")) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (controllers === undefined) continue
    if (controllers.split(",").includes("memory")) return { version: 1, folder: join("/sys/fs/cgroup/memory", path) }
    const unified = join("/sys/fs/cgroup", path)
    if (controllers === "" && text(join(unified, "cgroup.controllers")).split(/\s/).includes("memory"))
      return { version: 2, folder: unified }
  }
  return null
}

/** What makes groups here; null where this process may not. */
export const find = (): Groups | null => {
  const found = own()
  if (found === null || !existsSync(found.folder)) return null
  const { folder, version } = found
  const make = (memory: number): Group => {
    const here = join(folder, `lpo-verifiers-${process.pid}-${serial++}`)
    mkdirSync(here)
    const remove = (): void => {
      try {
        rmdirSync(here)
      } catch {
        // Its last process is not reaped yet: an empty group costs nothing.
      }
    }
    try {
      if (version === 1) {
        writeFileSync(join(here, "memory.limit_in_bytes"), String(memory))
        return {
          procs: join(here, "cgroup.procs"),
          exhausted: () => /^oom_kill [1-9]/m.test(text(join(here, "memory.oom_control"))),
          remove,
        }
      }
      writeFileSync(join(here, "memory.max"), String(memory))
      if (existsSync(join(here, "memory.swap.max"))) writeFileSync(join(here, "memory.swap.max"), "0")
      if (existsSync(join(here, "pids.max"))) writeFileSync(join(here, "pids.max"), String(maxThreads))
      return {
        procs: join(here, "cgroup.procs"),
        exhausted: () => /^oom_kill [1-9]/m.test(text(join(here, "memory.events"))),
        remove,
      }
    } catch (cause) {
      remove()
      throw cause
    }
  }
  try {
    // Fails without a harm where this group has processes of its own and no right to hand memory down.
    if (version === 2) appendFileSync(join(folder, "cgroup.subtree_control"), "+memory +pids")
    make(2 ** 26).remove()
    return { version, make }
  } catch {
    return null
  }
}
