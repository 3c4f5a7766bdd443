/** CONTRIBUTING, followed to the letter: its task and its objective, added to a copy of the packages, work. */
import { execFile } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, it } from "vitest"

const root = fileURLToPath(new URL("../..", import.meta.url))
const text = readFileSync(join(root, "CONTRIBUTING.md"), "utf8")
const copy = mkdtempSync(join(tmpdir(), "lpo-contributing-"))

/** Writes the file of an example, and adds its line with its import after the list's last entry. */
const follow = (folder: string, kind: string, ending: string) => {
  const [, path, code] = new RegExp(`\`(${folder}/\\w+\\.ts)\`, the whole file:\n\n\`\`\`ts\n([\\s\\S]*?)\`\`\``).exec(
    text,
  )!
  const [, registry, list, line] = new RegExp(
    `and in \`(packages/${kind}/src/\\w+\\.ts)\`, in \`(\\w+)\`: \`(.+)\``,
  ).exec(text)!
  mkdirSync(dirname(join(copy, path)), { recursive: true })
  writeFileSync(join(copy, path), code)
  const before = readFileSync(join(copy, registry), "utf8")
  const name = /(\w+)\.ts$/.exec(path)![1]
  const [, inside] = new RegExp(`\\b${list}\\b[^\\[]*\\[([\\s\\S]*?)\\]`).exec(before)!
  expect(inside).toContain(ending)
  const after = before
    .replace(inside, `${inside.trimEnd()}\n  ${line}\n`)
    .replace(/^import /m, `import * as ${name} from "./${dirname(path).split("/").at(-1)}/${name}.ts"\nimport `)
  writeFileSync(join(copy, registry), after)
}

beforeAll(() => {
  for (const name of ["verifiers", "trainer"])
    cpSync(join(root, "packages", name, "src"), join(copy, "packages", name, "src"), { recursive: true })
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"))
  writeFileSync(join(copy, "package.json"), `{ "type": "module" }`)
})
afterAll(() => rmSync(copy, { recursive: true }))

/** What a program of the copy prints, as JSON. */
const run = async (program: string): Promise<unknown> => {
  const path = join(copy, "program.ts")
  writeFileSync(path, program)
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=@lpo/source", path])
  return JSON.parse(stdout)
}

it("a task is one file and one line", async () => {
  follow("packages/verifiers/src/tasks", "verifiers", "task()")
  const result = await run(`
    import * as Tasks from "./packages/verifiers/src/Tasks.ts"
    import { Effect, Result } from "effect"
    console.log(JSON.stringify(await Effect.runPromise(Effect.scoped(Effect.gen(function* () {
      const tasks = yield* Tasks.standard
      const task = tasks.get("parity")
      const problem = Result.getOrThrow(task.fromRow.plain({ number: 6 }, "six"))
      const verifier = Tasks.verifier(tasks)
      const verdicts = yield* Effect.forEach(["even", "odd"], (text) => verifier.verify(problem, { text, finish: "stop" }))
      return { prompt: problem.prompt, correct: verdicts.map((v) => v.correct), unfit: yield* task.validate(problem) }
    })))))`)
  expect(result).toEqual({
    prompt: [{ role: "user", content: "Is 6 even or odd? Answer in one word." }],
    correct: [true, false],
    unfit: null,
  })
})

it("an objective is one file and one line", async () => {
  follow("packages/trainer/src/objectives", "trainer", "definition")
  const result = await run(`
    import * as Registry from "./packages/trainer/src/Registry.ts"
    const settings = Registry.settings({ name: "best-only", scale: 2 })
    const logprobs = [[-1, -2], [-3]].map((x) => Float32Array.from(x))
    const input = { rewards: Float64Array.of(1, 0), behaviour: logprobs, anchor: logprobs, current: logprobs }
    const { weights } = Registry.make(settings).evaluate(input)
    let refusal = ""
    try { Registry.settings({ name: "best-only", scal: 2 }) } catch (error) { refusal = error.message }
    console.log(JSON.stringify({ settings, weights: weights.map((row) => [...row]), refusal }))`)
  expect(result).toEqual({
    settings: { name: "best-only", scale: 2, kl: null },
    weights: [[2, 2], [0]],
    refusal: expect.stringMatching(/did you mean scale/),
  })
})
