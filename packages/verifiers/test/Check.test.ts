/** `lpo-verifiers`, in this process, and in one of its own where that is killed or told to stop. */
import { spawn } from "node:child_process"
import { appendFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { Countdown, type Row } from "@lpo/verifiers"
import { Effect, Runtime } from "effect"
import { afterEach, beforeEach, expect, it, vi } from "vitest"
import * as Program from "../src/cli/Program.ts"

const main = fileURLToPath(new URL("../src/cli/main.ts", import.meta.url))
const node = [process.execPath, "--conditions=@lpo/source", "--disable-warning=ExperimentalWarning", main] as const
/** The command in this process: what is printed is kept. */
const cli = async (...args: ReadonlyArray<string>) => {
  const said = { stdout: "", stderr: "" }
  const keep = (name: keyof typeof said) => (text: unknown) => {
    said[name] += String(text)
    return true
  }
  const spies = [
    vi.spyOn(process.stderr, "write").mockImplementation(keep("stderr")),
    vi.spyOn(console, "log").mockImplementation((line) => void keep("stdout")(`${line}\n`)),
  ]
  try {
    const exit = await Effect.runPromiseExit(Program.run(args))
    return { code: await new Promise<number>((resolve) => Runtime.defaultTeardown(exit, resolve)), ...said }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

let folder = ""
let file = ""
let out = ""
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lpo-check-"))
  file = join(folder, "rows.jsonl")
  out = join(folder, "verdicts.jsonl")
})
afterEach(() => rmSync(folder, { recursive: true }))

const problems = Countdown.problems({ recipe: "countdown-34", count: 300, side: "train", seed: "check" })
const rows = problems.map((answer, i) => {
  const [solution] = Countdown.solutions(answer.nums, answer.target, 1)
  const response = i % 3 === 0 ? `<answer>${solution}</answer>` : i % 3 === 1 ? "<answer>1 + 1</answer>" : "?"
  return { id: `r${i}`, task: "countdown", answer, response }
})
const text = (list: ReadonlyArray<unknown>) => list.map((row) => `${JSON.stringify(row)}\n`).join("")
const verdicts = () =>
  readFileSync(out, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Row.VerdictRow)

it("grades a file in order, and says so", async () => {
  writeFileSync(file, text(rows))
  const { code, stderr, stdout } = await cli("check", file, "--out", out)
  expect(code, stderr).toBe(0)
  expect(verdicts().map((v) => [v.id, v.correct])).toEqual(rows.map(({ id }, i) => [id, i % 3 === 0]))
  expect(stdout).toMatch(/^300 rows in /)
  expect(stdout).toContain("correct   100 (33.3 % of 300 judged)")
})

it("reports bad rows by line, keeps step with the file, and goes on", async () => {
  const lines = [rows[0], "{", "", rows[1], { id: "b", task: "countdown" }, { ...rows[3], task: "chess" }, rows[3]]
  writeFileSync(file, lines.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n"))
  const { code, stderr, stdout } = await cli("check", file, "--out", out)
  expect(code).toBe(0)
  expect(verdicts().map((v) => [v.id, v.status])).toEqual([
    ["r0", "ok"],
    [null, "error"],
    ["r1", "ok"],
    ["b", "error"],
    ["r3", "error"],
    ["r3", "ok"],
  ])
  expect(verdicts()[1].reason).toMatch(/^line 2: is not JSON/)
  expect(stderr).toMatch(/rows\.jsonl, line 2: is not JSON/)
  expect(stderr).toMatch(/rows\.jsonl, line 5: Missing key/)
  expect(stdout).toContain("errors    3, 2 of them on lines that are not rows")
})

it.each([
  ["rows of no task", [{ ...rows[0], task: "chess" }, rows[1], "{"], 0, ""],
  [
    "rows of no task alone",
    [{ ...rows[0], task: "chess" }, "{"],
    1,
    "no row could be judged; the first says: chess: no task",
  ],
  ["lines that are not rows", ["{", "[]"], 1, "no row could be judged; the first says: line 1: is not JSON"],
  ["no rows at all", ["", ""], 1, "rows.jsonl has no rows; give at least one"],
])("a file with %s ends as it should, with what there is written", async (_, lines, expected, message) => {
  writeFileSync(file, lines.map((row) => (typeof row === "string" ? row : JSON.stringify(row))).join("\n"))
  const { code, stderr } = await cli("check", file, "--out", out)
  expect(code, stderr).toBe(expected)
  expect(stderr).toContain(message)
  const count = readFileSync(out, "utf8").split("\n").length - 1
  expect(count).toBe(lines.filter((line) => line !== "").length)
  // Started again, it finds the verdicts there and says the same.
  const again = await cli("check", file, "--out", out)
  expect(again.code, again.stderr).toBe(expected)
})

it("resumes after the last whole row, with the bytes of a run that was never stopped", async () => {
  writeFileSync(file, text(rows))
  await cli("check", file, "--out", out)
  const whole = readFileSync(out, "utf8")
  const cut = whole.indexOf("\n", whole.length / 2) + 40
  truncateSync(out, cut)
  const { stdout } = await cli("check", file, "--out", out)
  expect(readFileSync(out, "utf8")).toBe(whole)
  const kept = whole.slice(0, cut).split("\n").length - 1
  expect(stdout).toContain(`(${kept} from an earlier run)`)
  expect(stdout).toContain("correct   100 (33.3 % of 300 judged)")
  appendFileSync(file, text([{ ...rows[0], id: "more" }]))
  expect((await cli("check", file, "--out", out)).stdout).toContain("301 rows")
  expect(verdicts()).toHaveLength(301)
})

it("survives kill -9 in the middle", async () => {
  writeFileSync(file, text(Array.from({ length: 10 }, () => rows).flat()))
  const child = spawn(node[0], [...node.slice(1), "check", file, "--out", out], { stdio: "ignore" })
  const size = () => {
    try {
      return readFileSync(out).length
    } catch {
      return 0
    }
  }
  while (size() === 0 && child.exitCode === null) await new Promise((resolve) => setTimeout(resolve, 5))
  const ended = new Promise((resolve) => child.once("exit", resolve))
  child.kill("SIGKILL")
  await ended
  await cli("check", file, "--out", out)
  expect(verdicts().map((v) => v.id)).toEqual(Array.from({ length: 10 }, () => rows.map((r) => r.id)).flat())
})

it("grades in a reference mode, and does not mix modes or files in one output", async () => {
  const power = { id: "p", task: "countdown", answer: { nums: [2, 3], target: 8 }, response: "<answer>2**3</answer>" }
  writeFileSync(file, text([power]))
  await cli("check", file, "--out", out)
  expect(verdicts()[0].score).toBe(0)
  const mixed = await cli("check", file, "--out", out, "--mode", "reference:lab")
  expect([mixed.code, mixed.stderr]).toEqual([1, expect.stringContaining('it contains verdicts of mode "strict"')])
  expect((await cli("check", file, "--out", out, "--mode", "reference:lab", "--restart")).code).toBe(0)
  expect(verdicts()[0].score).toBe(1)
  writeFileSync(file, text([{ ...power, id: "q" }]))
  const other = await cli("check", file, "--out", out, "--mode", "reference:lab")
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining('its row 1 has id "p"')])
})

it.each([
  [["check", "/nowhere.jsonl", "--out", "/tmp/none"], /^lpo-verifiers: \/nowhere\.jsonl: there is no such file\n/],
  [
    ["check", "x", "--out", "y", "--mode", "reference:nobody"],
    /--mode is "reference:nobody"; give strict or one of reference:tinyzero/,
  ],
  [["check", "x", "--out", "y", "--concurrency", "0"], /--concurrency is 0; give 1 or more/],
  [["serve", "--port", "70000"], /--port is 70000; give 0 to 65535/],
  [["serve", "--port", "eighty"], /^lpo-verifiers: --port is "eighty"; give a (whole )?number\n/],
  [["serve", "--prot", "80"], /^lpo-verifiers: there is no option --prot; did you mean --port\?\n/],
  [["chek", "x"], /^lpo-verifiers: there is no command "chek"; did you mean check\?\n/],
  [["check", "x"], /^lpo-verifiers: --out is missing\n/],
  [["check"], /^lpo-verifiers: .*file is missing\n/m],
])("%j fails with one line", async (args, message) => {
  const { code, stderr, stdout } = await cli(...args)
  expect(code).toBe(1)
  expect(stderr).toMatch(message)
  expect(stdout).toBe("")
})

it("serves until it is told to stop", async () => {
  const child = spawn(node[0], [...node.slice(1), "serve", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] })
  try {
    const url = await new Promise<string>((resolve, reject) => {
      child.once("exit", () => reject(new Error("it ended")))
      child.stdout.on("data", (data) => {
        const found = /listening on (\S+)/.exec(String(data))?.[1]
        if (found !== undefined) resolve(found)
      })
    })
    const reply = await fetch(`${url}/v1/verify`, { method: "POST", body: JSON.stringify(rows[0]) })
    expect(await reply.json()).toMatchObject({ id: "r0", correct: true })
    const code = new Promise((resolve) => child.once("exit", resolve))
    child.kill("SIGTERM")
    expect(await code).toBe(0)
  } finally {
    child.kill("SIGKILL")
  }
})

it("leaves the rows that the mode does not fit, and says which", async () => {
  const mixed = [
    { id: "c", task: "countdown", answer: rows[0].answer, response: rows[0].response },
    { id: "m", task: "math", answer: "\\frac12", response: "\\boxed{1/2}" },
    { id: "n", task: "math", answer: "3", response: "\\boxed{4}" },
  ]
  writeFileSync(file, text(mixed))
  const { code, stderr, stdout } = await cli("check", file, "--out", out, "--mode", "reference:math_reward")
  expect(code, stderr).toBe(0)
  expect(stdout).toContain("correct   1 (50.0 % of 2 judged)")
  expect(stdout).toContain("errors    0")
  expect(stdout).toContain("left      1 of task countdown, which has no reference:math_reward")
  expect(verdicts().map(({ id, status }) => [id, status])).toEqual([
    ["c", "error"],
    ["m", "ok"],
    ["n", "ok"],
  ])
  const again = await cli("check", file, "--out", out, "--mode", "reference:math_reward")
  expect(again.stdout).toContain("left      1 of task countdown")
})

it("compares as the options say", async () => {
  const pair = [
    { id: "p", task: "math", answer: "50", response: "\\boxed{50\\%}" },
    { id: "d", task: "math", answer: "3\\pi", response: "\\boxed{9.42}" },
  ]
  writeFileSync(file, text(pair))
  const correct = async (...flags: ReadonlyArray<string>) => {
    const { code, stderr } = await cli("check", file, "--out", out, "--restart", ...flags)
    expect(code, stderr).toBe(0)
    return verdicts().map((v) => v.correct)
  }
  expect(await correct()).toEqual([false, false])
  expect(await correct("--percent", "unit", "--decimals", "2")).toEqual([true, true])
  const { code, stderr } = await cli("check", file, "--out", out, "--decimals", "0")
  expect([code, stderr]).toEqual([1, "lpo-verifiers: --decimals is 0; give 1 to 15\n"])
})

it.each([
  ["1e20 in digits", "100000000000000000000", "100000000000000000001", "100000000000000000000+1", true],
  ["one more than is reached", "100000000000000000000", "100000000000000000002", "100000000000000000000+1", false],
  [
    "what rounds to the same number",
    "100000000000000000000",
    "100000000000000000000",
    "100000000000000000000+1",
    false,
  ],
  ["1e20 as Python prints it", "1e+20", "1E20", "100000000000000000000*1", true],
  ["decimals and an exponent", "1.5e20", "150000000000000000001", "150000000000000000000+1", true],
  ["just above 2^53", "9007199254740993", "9007199254740994", "9007199254740993+1", true],
  ["just above 2^53, one off", "9007199254740993", "9007199254740994", "9007199254740992+1", false],
  ["below zero", "9007199254740993", "-9007199254740992", "1-9007199254740993", true],
  ["of 40 digits", "1".repeat(40), "1".repeat(39) + "2", `${"1".repeat(40)}+1`, true],
  ["a small number with an exponent", "2e1", "21", "20+1", true],
])("keeps the digits of whole numbers: %s", async (_, number, target, expression, right) => {
  writeFileSync(
    file,
    `{"id":"a","task":"countdown","answer":{"nums":[${number},1],"target":${target}},"response":"<answer>${expression}</answer>"}\n`,
  )
  const { code, stderr } = await cli("check", file, "--out", out)
  expect(code, stderr).toBe(0)
  expect(verdicts().map((v) => [v.status, v.correct])).toEqual([["ok", right]])
})

it("validates rows to verify and rows of data sets", async () => {
  writeFileSync(
    file,
    text([
      { id: "a", task: "math", answer: "\\frac{1}{2}", response: "" },
      { problem: "p", answer: "1,-2" },
      { problem: "p", answer: "\\sum_{k} k" },
      { problem: "p", answer: "" },
      { id: "b", task: "countdown", answer: { nums: [1, 1], target: 50 } },
      { id: "c", task: "code", answer: { inputs: [], outputs: [] } },
    ]),
  )
  const { code, stderr, stdout } = await cli("validate", file)
  expect(code).toBe(1)
  expect(stderr).toBe("lpo-verifiers: unfit rows: 3 of 6; leave them out\n")
  expect(stdout).toContain("row 3 is compared as text: \\sum_{k} k")
  expect(stdout).toMatch(/row 4 is not a problem: math, answer, row 4: the answer is ""/)
  expect(stdout).toMatch(/row 5 \(b\) is refused: /)
  expect(stdout).toMatch(/row 6 \(c\) is refused: the ground truth has no tests/)
  expect(stdout).toContain("fit       2 (33.3 %)\nas text   1 (16.7 %)")
  writeFileSync(join(folder, "set.json"), JSON.stringify([{ problem: "p", solution: "so \\boxed{7}" }]))
  const set = await cli("validate", join(folder, "set.json"), "--format", "solution")
  expect([set.code, set.stderr]).toEqual([0, ""])
  const unknown = await cli("validate", file, "--format", "csv")
  expect(unknown.stderr).toMatch(/^lpo-verifiers: math has no format "csv"; it reads answer, /)
})
