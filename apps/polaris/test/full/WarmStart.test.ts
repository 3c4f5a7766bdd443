import { execFile } from "node:child_process"
import { mkdtempSync } from "node:fs"
import { readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, expect, it } from "vitest"
import { command } from "../program.ts"
import * as WarmStart from "../../src/WarmStart.ts"

const out = mkdtempSync(join(tmpdir(), "lpo-warm-start-"))
afterAll(() => rm(out, { recursive: true }))

const names = ["math-tiny", "geometry-tiny", "code-tiny", "countdown-tool-tiny", "countdown-step-tiny"]

it.each(names)("makes the warm start of %s again, bit for bit", async (name) => {
  const path = join(out, `${name}.safetensors`)
  const { stdout } = await promisify(execFile)(process.execPath, [...command(["warm-start", name, "--out", path])])
  expect(stdout).toContain("the same bytes as the shipped warm start")
  const made = await readFile(path)
  expect(made.equals(await readFile(WarmStart.shipped(name)))).toBe(true)
  expect(made.length).toBeLessThan(2_000_000)
})
