/** Every command on a page exists, and its own help lists the options that it is given. */
import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { Effect } from "effect"
import { expect, it, vi } from "vitest"
import * as Polaris from "../../apps/polaris/src/Program.ts"
import * as Verifiers from "../../packages/verifiers/src/cli/Program.ts"
import * as Blocks from "./Blocks.ts"

/** Programs of others, which a page may name. */
const others = new Set(
  "npm npx node cd mkdir cp ln tar sh cat git tsc python3 pip docker uv vllm tensorboard wandb apt-get curl ssh scp nohup tmux huggingface-cli for do done".split(
    " ",
  ),
)

interface Line {
  readonly page: string
  readonly words: ReadonlyArray<string>
}

/** Our own commands where they stand in a sentence. */
const inline = /`((?:polaris|lpo-verifiers|npm (?:run|start)) [^`]+)`/g

/** The lines of the shell blocks of a page, and the commands in its sentences. */
const lines = (page: string): ReadonlyArray<Line> => {
  const shell = Blocks.of(page).filter(({ language }) => language === "sh")
  const sentences = Blocks.read(page).replaceAll(/^```[\s\S]*?^```$/gm, "")
  const texts = [
    ...shell.flatMap(({ code }) => code.replaceAll("\\\n", " ").split("\n")),
    ...[...sentences.matchAll(inline)].map(([, text]) => text.replaceAll(/\s+/g, " ")),
  ]
  return texts
    .flatMap((text) => text.replace(/(^| )# .*/, "").split(/ && | \| |; /))
    .map((text) => text.split(/\s+/).filter((word) => word !== ""))
    .map((words) => words.slice(words.findIndex((word) => !/^\w+=/.test(word))))
    .flatMap((words) => (words.length === 0 ? [] : [{ page, words }]))
}

const scripts = (
  JSON.parse(readFileSync(join(Blocks.root, "package.json"), "utf8")) as { readonly scripts: Record<string, string> }
).scripts

const programs = { polaris: Polaris.run, "lpo-verifiers": Verifiers.run }
type Program = keyof typeof programs

const helps = new Map<string, string>()
const help = async (program: Program, path: ReadonlyArray<string>): Promise<string> => {
  const key = [program, ...path].join(" ")
  let said = helps.get(key)
  if (said !== undefined) return said
  said = ""
  const spy = vi.spyOn(console, "log").mockImplementation((text) => void (said += `${String(text)}\n`))
  await Effect.runPromiseExit(programs[program]([...path, "--help"]))
  spy.mockRestore()
  helps.set(key, said)
  return said
}

const options = (words: ReadonlyArray<string>): ReadonlyArray<string> =>
  words.flatMap((word) => /^--[a-z][\w-]*/.exec(word)?.[0] ?? [])

/** What is wrong with a command line of ours; null when nothing is. */
const refusal = async (program: Program, args: ReadonlyArray<string>): Promise<string | null> => {
  const path: Array<string> = []
  const global = await help(program, [])
  let text = global
  for (const word of args) {
    if (!new RegExp(`^ {2}${word}(?: |$)`, "m").test(/SUBCOMMANDS([\s\S]*?)\n\n/.exec(`${text}\n\n`)?.[1] ?? "")) break
    path.push(word)
    text = await help(program, path)
  }
  if (path.length === 0 && args[0] !== undefined && /^[a-z]/.test(args[0])) return `${program} has no ${args[0]}`
  const missing = options(args).find((option) => !new RegExp(`${option}[ ,\n]`).test(text + global))
  if (missing !== undefined) return `${[program, ...path].join(" ")} has no ${missing}`
  const preset = args[1]
  if (program !== "polaris" || path[0] !== "train" || preset === undefined || !/^[a-z]/.test(preset)) return null
  return new RegExp(`What to train:.*\\b${preset}\\b`).test(text) ? null : `there is no preset ${preset}`
}

const npm = async (words: ReadonlyArray<string>): Promise<string | null> => {
  const rest = words.includes("--") ? words.slice(words.indexOf("--") + 1) : []
  const script = words[1] === "start" || words[1] === "test" ? words[1] : words[2]
  if (!["run", "start", "test"].includes(words[1])) return null
  if (scripts[script] === undefined) return `package.json has no script ${script}`
  if (script === "start") return refusal("polaris", ["train", ...rest])
  if (script === "polaris") return refusal("polaris", rest)
  if ((script !== "checks" && script !== "bench") || rest[0] === undefined || /^[A-Z]+$/.test(rest[0])) return null
  const main = join(Blocks.root, script, rest[0], "main.ts")
  if (!existsSync(main)) return `${script} has no ${rest[0]}`
  const source = readFileSync(main, "utf8")
  const missing = options(rest).find((option) => !new RegExp(`["']?\\b${option.slice(2)}\\b`).test(source))
  return missing === undefined ? null : `${script} ${rest[0]} has no ${missing}`
}

const check = async ({ page, words }: Line): Promise<string | null> => {
  const [name, ...args] = words
  const said =
    name === "polaris" || name === "lpo-verifiers"
      ? await refusal(name, args)
      : name === "npm"
        ? await npm(words)
        : name === "npx" && (args[0] === "polaris" || args[0] === "lpo-verifiers")
          ? await refusal(args[0], args.slice(1))
          : others.has(name)
            ? null
            : `${name} is no program that pages may name`
  return said === null ? null : `${page}: ${words.join(" ")}: ${said}`
}

it("every command exists, with its options", async () => {
  const faults: Array<string> = []
  for (const line of [...Blocks.pages, "CONTRIBUTING.md"].flatMap(lines)) {
    const fault = await check(line)
    if (fault !== null) faults.push(fault)
  }
  expect(faults).toEqual([])
})

it("a command or an option that is not there is found", async () => {
  const found = async (text: string) => check({ page: "p", words: text.split(" ") })
  expect(await found("polaris train --steps 3")).toBe(null)
  expect(await found("polaris train --stpes 3")).toMatch(/polaris train has no --stpes/)
  expect(await found("polaris trian")).toMatch(/polaris has no trian/)
  expect(await found("polaris data show rows.jsonl --row 1")).toBe(null)
  expect(await found("polaris data shew rows.jsonl --row 1")).toMatch(/has no --row/)
  expect(await found("polaris train no-such-preset")).toMatch(/no preset/)
  expect(await found("lpo-verifiers check rows.jsonl --mode strict")).toBe(null)
  expect(await found("npm run checks -- no-such-check")).toMatch(/checks has no/)
  expect(await found("npm run nothing")).toMatch(/no script/)
  expect(await found("rm -rf runs")).toMatch(/no program/)
})
