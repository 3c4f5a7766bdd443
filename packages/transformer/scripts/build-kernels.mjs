// Compiles assembly/ to wasm/kernels.wasm, and refuses a module with a data segment: it would overwrite the backend's memory.
import { createHash } from "node:crypto"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = join(dirname(fileURLToPath(import.meta.url)), "..")
const sources = readdirSync(join(root, "assembly"))
  .filter((f) => f.endsWith(".ts"))
  .sort()
const hash = createHash("sha256")
for (const file of [...sources.map((f) => join(root, "assembly", f)), fileURLToPath(import.meta.url)])
  hash.update(readFileSync(file))
const stamp = hash.digest("hex")
const out = join(root, "wasm", "kernels.wasm")
const stampFile = join(root, "wasm", "sources.sha256")

if (!existsSync(out) || !existsSync(stampFile) || readFileSync(stampFile, "utf8") !== stamp) {
  const { default: asc } = await import("assemblyscript/asc")
  mkdirSync(dirname(out), { recursive: true })
  const flags = [
    "--runtime",
    "stub",
    "--importMemory",
    "--noAssert",
    "-O3",
    "--enable",
    "simd",
    "--enable",
    "bulk-memory",
    "--enable",
    "relaxed-simd",
  ]
  const { error } = await asc.main([join(root, "assembly", "index.ts"), "--outFile", out, ...flags])
  if (error) throw new Error(`the kernels do not compile:\n${error.message}`)
  const bytes = readFileSync(out)
  for (let at = 8; at < bytes.length;) {
    const id = bytes[at++]
    let size = 0
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]
      size |= (byte & 127) << shift
      if (byte < 128) break
    }
    if (id === 11)
      throw new Error("the kernels have a data segment (a string, static array or table-based function is in them)")
    at += size
  }
  writeFileSync(stampFile, stamp)
}
