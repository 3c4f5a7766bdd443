/** What stands in the place of a file: only regular files are opened, and nothing keeps their reader waiting. */
import { execFileSync } from "node:child_process"
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Dataset, RegularFile } from "@lpo/rollout"
import { Effect } from "effect"
import { afterAll, beforeAll, expect, it } from "vitest"

const folder = mkdtempSync(join(tmpdir(), "lpo-regular-"))
const at = (name: string): string => join(folder, name)
const socket = createServer()

beforeAll(async () => {
  for (const name of ["pipe", "pipe.jsonl", "pipe.parquet"]) execFileSync("mkfifo", [at(name)])
  mkdirSync(at("folder"))
  mkdirSync(at("folder.jsonl"))
  writeFileSync(at("file"), "abcdef")
  symlinkSync("pipe", at("link to a pipe"))
  symlinkSync("/dev/zero", at("link to a device"))
  symlinkSync("file", at("link to a file"))
  symlinkSync("nothing", at("link to nothing"))
  symlinkSync("circle", at("circle"))
  await new Promise<void>((resolve) => socket.listen(at("socket"), resolve))
})
afterAll(() => {
  socket.close()
  rmSync(folder, { recursive: true })
})

const others = [
  ["pipe", /' is a (?:named )?pipe/],
  ["link to a pipe", /' is a (?:named )?pipe/],
  ["folder", /' is a folder|EISDIR/],
  ["socket", /' is a pipe or a socket/],
  ["link to a device", /' is a device/],
  ["circle", /ELOOP/],
] as const

it.runIf(process.platform === "linux").each(others)("opens no %s", async (name, reason) => {
  await expect(RegularFile.open(at(name))).rejects.toThrow(reason)
  const written = /^link|circle/.test(name) ? /' is a link/ : reason
  for (const mode of ["a", "w"] as const) await expect(RegularFile.open(at(name), mode)).rejects.toThrow(written)
  await expect(RegularFile.bytes(at(name))).rejects.toThrow(reason)
  await expect(RegularFile.text(at(name))).rejects.toThrow(reason)
  await expect(RegularFile.pieces(at(name)).next()).rejects.toThrow(reason)
})

it.runIf(process.platform === "linux").each(["pipe.jsonl", "pipe.parquet", "folder.jsonl"])(
  "reads no dataset from %s",
  async (name) => {
    const error = await Effect.runPromise(Effect.flip(Effect.scoped(Dataset.open(at(name)))))
    expect(error.message).toMatch(/is a (?:named pipe|folder); give a regular file/)
  },
)

it("a pipe with a reader at its other end is refused for writing too", async () => {
  execFileSync("bash", ["-c", 'exec 3<>"$0"; exec sleep 0', at("pipe")])
  await expect(RegularFile.open(at("pipe"), "a")).rejects.toThrow(/pipe/)
})

it("reads files, through links too, in whole or in pieces", async () => {
  for (const name of ["file", "link to a file"]) expect(await RegularFile.text(at(name))).toBe("abcdef")
  expect(await RegularFile.text(at("nothing"))).toBeNull()
  expect(await RegularFile.text(at("link to nothing"))).toBeNull()
  await expect(RegularFile.bytes(at("nothing"))).rejects.toThrow(/ENOENT/)
  const pieces: Array<string> = []
  for await (const piece of RegularFile.pieces(at("file"), { start: 1, end: 5, pieceBytes: 3 }))
    pieces.push(String(piece))
  expect(pieces).toEqual(["bcd", "e"])
})

it("writes through no link", async () => {
  for (const mode of ["a", "w"] as const)
    for (const name of ["link to a file", "link to nothing"])
      await expect(RegularFile.open(at(name), mode)).rejects.toThrow(/' is a link; give a regular file/)
  expect(readFileSync(at("file"), "utf8")).toBe("abcdef")
})

it("writes anew and appends", async () => {
  for (const [mode, text] of [
    ["w", "12"],
    ["a", "3"],
    ["w", "4"],
    ["a", "56"],
  ] as const) {
    const handle = await RegularFile.open(at("written"), mode)
    await handle.writeFile(text)
    await handle.close()
  }
  expect(readFileSync(at("written"), "utf8")).toBe("456")
})

it("reads no text that is too long, by its size", async () => {
  writeFileSync(at("long"), "")
  truncateSync(at("long"), 2 ** 40)
  await expect(RegularFile.text(at("long"))).rejects.toThrow(`has ${2 ** 40} bytes, the most is ${2 ** 26}`)
  await expect(RegularFile.text(at("file"), 5)).rejects.toThrow("has 6 bytes, the most is 5")
  expect(await RegularFile.text(at("file"), 6)).toBe("abcdef")
})

it.runIf(process.platform === "linux").each(["pipe", "folder", "socket", "link to a pipe", "link to a device"])(
  "writes no file over %s",
  async (name) => {
    await expect(RegularFile.write(at(name), "new")).rejects.toThrow(/' is a |EISDIR|ENXIO/)
    expect(readdirSync(folder).filter((entry) => entry.includes(".tmp-"))).toEqual([])
  },
)

it("writes a file whole or not at all, and over a link the link alone", async () => {
  const path = at("written")
  await RegularFile.write(path, "old")
  symlinkSync("written", at("link to written"))
  await RegularFile.write(at("link to written"), "new")
  expect([readFileSync(path, "utf8"), readFileSync(at("link to written"), "utf8")]).toEqual(["old", "new"])
  // Half of it is not a file yet, and what is given up leaves nothing.
  const draft = await RegularFile.draft(path)
  await draft.append("ha")
  expect(readFileSync(path, "utf8")).toBe("old")
  await draft.discard()
  await draft.discard()
  expect(readFileSync(path, "utf8")).toBe("old")
  await expect(RegularFile.write(join(path, "below"), "x")).rejects.toThrow(/ENOTDIR/)
  await expect(RegularFile.makeFolder(join(path, "below"))).rejects.toThrow(/EEXIST|ENOTDIR/)
  expect(readdirSync(folder).filter((entry) => entry.includes(".tmp-"))).toEqual([])
})
