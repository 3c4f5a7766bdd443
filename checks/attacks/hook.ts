/**
 * Preloaded into a run: counts its operations on files below `LPO_ATTACK_FOLDER`, kills it with SIGKILL at number `LPO_ATTACK_AT`
 * (before it, during it, or after it, by `LPO_ATTACK_WHEN`), and writes the count to `LPO_ATTACK_COUNT` at the end.
 */
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"

const { LPO_ATTACK_AT, LPO_ATTACK_COUNT, LPO_ATTACK_FOLDER = "", LPO_ATTACK_WHEN } = process.env
const at = Number(LPO_ATTACK_AT ?? Number.POSITIVE_INFINITY)
let count = 0
const kill = (): void => void process.kill(process.pid, "SIGKILL")

type Operation = (this: unknown, ...args: Array<any>) => unknown
const patch = (target: Record<string, any>, name: string, isOurs: (args: Array<unknown>) => boolean): void => {
  const original = target[name] as Operation
  target[name] = function (this: unknown, ...args: Array<unknown>) {
    if (!isOurs(args) || ++count !== at) return original.apply(this, args)
    if (LPO_ATTACK_WHEN === "before") kill()
    const result = original.apply(this, args)
    if (LPO_ATTACK_WHEN === "during" || !(result instanceof Promise)) kill()
    return (result as Promise<unknown>).finally(kill)
  }
}
const isBelow = (args: ReadonlyArray<unknown>): boolean =>
  args.some((arg) => typeof arg === "string" && arg.includes(LPO_ATTACK_FOLDER))
const changing = [
  "open",
  "rename",
  "mkdir",
  "rm",
  "unlink",
  "truncate",
  "writeFile",
  "symlink",
  "link",
  "copyFile",
  "appendFile",
]
for (const name of changing) {
  patch(fs.promises as Record<string, any>, name, isBelow)
  patch(fs as Record<string, any>, `${name}Sync`, isBelow)
}
// Handles are of files opened above; nothing else of the program writes through one.
const handle = await fs.promises.open(new URL(import.meta.url), "r")
const prototype = Object.getPrototypeOf(handle) as Record<string, any>
await handle.close()
for (const name of ["write", "writev", "writeFile", "sync", "truncate"]) patch(prototype, name, () => true)
syncBuiltinESMExports()

process.on("exit", () => {
  if (LPO_ATTACK_COUNT !== undefined) fs.writeFileSync(LPO_ATTACK_COUNT, String(count))
})
