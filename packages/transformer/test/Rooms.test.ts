/** The rooms of the package: what lies in one imports from itself and from those below it, types included. */
import { readdirSync, readFileSync } from "node:fs"
import { join, posix } from "node:path"
import { expect, it } from "vitest"

/** What every room names: errors, and reading and writing. */
const everywhere = new Set(["TransformerError.ts", "Files.ts"])
/** From the ground floor up; other files of `src` itself come last. */
const rooms = [
  "ops",
  "model",
  "tokenizer/jinja",
  "tokenizer",
  "decode",
  "train",
  "device",
  "files",
  "workers",
  "policy",
  ".",
]
const source = new URL("../src", import.meta.url).pathname

const files = readdirSync(source, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"))
const floorOf = (file: string): number => rooms.indexOf(posix.dirname(file))

it("imports point down", () => {
  const upward: Array<string> = []
  for (const file of files) {
    expect(floorOf(file), `${file} lies in a room that is not listed`).toBeGreaterThanOrEqual(0)
    const text = readFileSync(join(source, file), "utf8")
    for (const [, path] of text.matchAll(/(?:from|import\() ?"(\.[^"]*)"/g)) {
      const target = posix.join(posix.dirname(file), path)
      if (!everywhere.has(target) && floorOf(target) > floorOf(file)) upward.push(`${file} -> ${target}`)
    }
  }
  expect(files.length).toBeGreaterThan(40)
  expect(upward).toEqual([])
})
