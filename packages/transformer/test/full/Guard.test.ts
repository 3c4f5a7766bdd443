/** What takes all the time that it is given: templates, and a tokenizer's expressions. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { HfTokenizer } from "@lpo/transformer"
import { Effect } from "effect"
import { expect, it } from "vitest"
import { folderOf } from "../fixtures.ts"
import { slow, stops } from "../hostileTemplates.ts"

stops(slow)

it.each(["(a|a|aa)*b", "(a+)+$b", "(a*)*\\1*b"])(
  "a tokenizer's expression %s ends in an error, and then it encodes",
  async (Regex) => {
    const folder = await mkdtemp(join(tmpdir(), "lpo-guard-"))
    try {
      await cp(folderOf("qwen3"), folder, { recursive: true })
      const path = join(folder, "tokenizer.json")
      const json = JSON.parse(await readFile(path, "utf8")) as Record<string, unknown>
      json["pre_tokenizer"] = { type: "Split", pattern: { Regex }, behavior: "Isolated", invert: false }
      await writeFile(path, JSON.stringify(json))
      const tokenizer = await Effect.runPromise(HfTokenizer.load(folder))
      const error = await Effect.runPromise(Effect.flip(tokenizer.encode("a".repeat(40))))
      expect(error.message).toMatch(/cannot encode "a+": it takes longer than 20 s$/)
      expect(await Effect.runPromise(tokenizer.encode("b"))).toHaveLength(1)
    } finally {
      await rm(folder, { recursive: true })
    }
  },
)
