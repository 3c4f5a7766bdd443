/** What the tests of one file share: a folder with files of theirs, and checkpoints. All of it is removed after the last test. */
import { mkdtempSync } from "node:fs"
import { rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import * as Tiny from "./checkpoint.ts"
import { jsonLines } from "./own.ts"

/** A folder, and how a file gets into it: a text as it is, rows as JSON lines. */
export const makeFolder = (name: string) => {
  const folder = mkdtempSync(join(tmpdir(), `lpo-${name}-`))
  afterAll(() => rm(folder, { recursive: true }))
  const file = async (name: string, content: string | ReadonlyArray<unknown>): Promise<string> => {
    const path = join(folder, name)
    await writeFile(path, typeof content === "string" ? content : jsonLines(content))
    return path
  }
  return { folder, file }
}

/** A tiny random checkpoint with room for the prompts of every task. */
export const makeModel = async (): Promise<string> => {
  const model = await Tiny.copyOf({ max_position_embeddings: 512 })
  afterAll(() => rm(model, { recursive: true }))
  return model
}

/** The taught checkpoint with its hub. */
export const makeTaught = async () => {
  const tiny = await Tiny.make()
  afterAll(tiny.end)
  return tiny
}
