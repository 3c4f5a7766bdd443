/**
 * The code on the pages. A block of TypeScript or JavaScript is a whole file: it compiles under the settings that `tsc --init` writes, and
 * what it prints is what its `// =>` comments say, in order. Words after the language of a fence:
 *
 * - `needs=server`, `needs=gpu`, `needs=model` or `needs=browser`: the block is compiled and not run;
 * - `file=NAME`, in any language: the block is written under this name into the folder in which the page's blocks run.
 *
 * Numbers are compared to the digits that are shown, white space and the kind of quotes do not count, and a remark may follow `; `.
 */
import { execFile } from "node:child_process"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import { inspect, promisify } from "node:util"

export const root = fileURLToPath(new URL("../..", import.meta.url))
const docs = join(root, "docs")
const tsc = join(root, "node_modules/typescript/bin/tsc")

export interface Block {
  /** From the root of the repository. */
  readonly page: string
  /** Of the opening fence, from 1. */
  readonly line: number
  readonly language: string
  readonly needs: string | null
  readonly file: string | null
  readonly code: string
}

const markdown = (folder: string): ReadonlyArray<string> =>
  readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory())
      return entry.name.startsWith(".") || ["node_modules", "reference", "site"].includes(entry.name)
        ? []
        : markdown(path)
    return entry.name.endsWith(".md") ? [path] : []
  })

/** Every page of the documentation and every README, from the root of the repository. */
export const pages: ReadonlyArray<string> = [
  "README.md",
  ...["packages", "apps"]
    .flatMap((kind) => readdirSync(join(root, kind)).map((name) => join(kind, name, "README.md")))
    .filter((path) => existsSync(join(root, path))),
  ...markdown("docs"),
]

export const read = (page: string): string => readFileSync(join(root, page), "utf8")

/** All fenced blocks of a page. */
export const of = (page: string): ReadonlyArray<Block> => {
  const text = read(page)
  return [...text.matchAll(/^( *)```(\w+)([^\n]*)\n([\s\S]*?)^\1```$/gm)].map(
    ([, , language, info, code], _i, all) => ({
      page,
      line: text.slice(0, all[_i].index).split("\n").length,
      language,
      needs: /\bneeds=(\w+)/.exec(info)?.[1] ?? null,
      file: /\bfile=(\S+)/.exec(info)?.[1] ?? null,
      code,
    }),
  )
}

/** The blocks that doc comments of the packages include from example files: regions, one after the other. */
export const included = (): ReadonlyArray<Block> => {
  const sources = readdirSync(join(root, "packages")).flatMap((name) => {
    const src = join("packages", name, "src")
    return readdirSync(join(root, src), { recursive: true, encoding: "utf8" })
      .filter((path) => path.endsWith(".ts"))
      .map((path) => join(src, path))
  })
  return sources.flatMap((page) =>
    [...read(page).matchAll(/\{@includeCode (\S+)#([\w,]+)\}/g)].map(([found, path, names]) => {
      const text = read(join(dirname(page), path))
      const regions = names
        .split(",")
        .map((name) => new RegExp(`// #region ${name}\\n([\\s\\S]*?)// #endregion ${name}\\n`).exec(text)?.[1] ?? found)
      const line = read(page).split(found)[0].split("\n").length
      return { page, line, language: "ts", needs: null, file: null, code: regions.join("") }
    }),
  )
}

export const isCode = ({ language }: Block): boolean => ["ts", "js"].includes(language)
const where = ({ line, page }: Block): string => `${page}:${line}`

/** The results that a block shows, in order; a comment that is indented under a result goes on with it. */
export const shown = (code: string): ReadonlyArray<string> =>
  [...code.matchAll(/\/\/ => (.*(?:\n\s*\/\/ {4,}.*)*)/g)].map(([, text]) => text.replaceAll(/\n\s*\/\/ +/g, " "))

/** Text in which white space, but between words and numbers, kinds of quotes and quotes of keys are gone. */
const plain = (text: string): string =>
  text
    .replaceAll(/\s+/g, " ")
    .replaceAll(/ ?([^\w.-]) ?/g, "$1")
    .trim()
    .replaceAll("'", '"')
    .replaceAll(/"(\w+)":/g, "$1:")

const number = /-?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g

const same = (actual: string, expected: string): boolean => {
  const [a, b] = [plain(actual), plain(expected)]
  if (a === b) return true
  if (a.replaceAll(number, "#") !== b.replaceAll(number, "#")) return false
  const numbers = a.match(number) ?? []
  return (b.match(number) ?? []).every((text, i) => {
    const [mantissa, exponent = "0"] = text.split("e")
    const digits = (mantissa.split(".")[1] ?? "").length
    if (digits === 0 && !text.includes("e")) return Number(numbers[i]) === Number(text)
    return Math.abs(Number(numbers[i]) - Number(text)) <= 0.500001 * 10 ** (Number(exponent) - digits)
  })
}

/** Whether a printed line is the result that is shown, with or without a remark. */
export const fits = (actual: string, expected: string): boolean =>
  same(actual, expected) || (expected.includes("; ") && same(actual, expected.slice(0, expected.indexOf("; "))))

/** Typed arrays print as the lists that they are. */
const bare = (value: unknown): unknown => {
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return Array.from(value as Float64Array)
  if (Array.isArray(value)) return value.map(bare)
  if (value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype)
    return Object.fromEntries(Object.entries(value).map(([key, v]) => [key, bare(v)]))
  return value
}

const formatted = (value: unknown): string =>
  typeof value === "string" ? value : inspect(bare(value), { breakLength: Infinity, compact: true, depth: 8 })

/** Where packages are found from, as in a project that has installed them. */
const project = (): string => mkdtempSync(join(docs, ".blocks-"))

/** Writes blocks as files of one project and compiles them; what the compiler says, empty when all is well. */
export const compile = async (blocks: ReadonlyArray<Block>): Promise<string> => {
  const folder = project()
  const run = (cwd: string, ...args: ReadonlyArray<string>): Promise<string> =>
    promisify(execFile)(process.execPath, [tsc, ...args], { cwd }).then(
      ({ stdout }) => stdout,
      ({ stderr, stdout }: { readonly stdout: string; readonly stderr: string }) => `${stdout}${stderr}`,
    )
  try {
    const kinds = readdirSync(join(root, "packages")).map((name) => join("packages", name, "tsconfig.src.json"))
    const built = await run(root, "-b", ...kinds)
    if (built !== "") return built
    await run(folder, "--init")
    renameSync(join(folder, "tsconfig.json"), join(folder, "init.json"))
    const named = blocks.map((block, i) => [`b${i}.ts`, block] as const)
    for (const [name, { code }] of named) writeFileSync(join(folder, name), code)
    // `types` is what the file of `--init` itself tells users of Node to set; the last is what Node asks of the TypeScript that it runs.
    const compilerOptions = { types: ["node"], noEmit: true, erasableSyntaxOnly: true }
    const files = named.map(([name]) => name)
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ extends: "./init.json", compilerOptions, files }))
    const said = await run(folder, "-p", folder, "--pretty", "false")
    return said.replaceAll(/^b(\d+)\.ts\((\d+),/gm, (_, i, line) => `${where(blocks[i])} + ${line} (`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * Runs blocks one after the other in this process, in a folder that holds the files which the page names; gives what each printed, line by
 * line. `replace` puts what a test has in the place of what a reader has, such as the address of a server.
 */
export const run = async (
  page: string,
  blocks: ReadonlyArray<Block>,
  replace: Readonly<Record<string, string>> = {},
): Promise<ReadonlyArray<ReadonlyArray<string>>> => {
  const folder = project()
  const work = mkdtempSync(join(tmpdir(), "lpo-page-"))
  const [cwd, log] = [process.cwd(), console.log]
  try {
    for (const { code, file } of of(page)) {
      if (file === null) continue
      mkdirSync(dirname(join(work, file)), { recursive: true })
      writeFileSync(join(work, file), code)
    }
    process.chdir(work)
    const printed: Array<ReadonlyArray<string>> = []
    for (const [i, block] of blocks.entries()) {
      let { code } = block
      for (const [from, to] of Object.entries(replace)) {
        if (!code.includes(from)) throw new Error(`${where(block)} does not say ${from}`)
        code = code.replaceAll(from, to)
      }
      const path = join(folder, `b${i}.${block.language === "ts" ? "ts" : "mjs"}`)
      writeFileSync(path, code)
      const lines: Array<string> = []
      console.log = (...values: ReadonlyArray<unknown>) =>
        void lines.push(...values.map(formatted).join(" ").split("\n"))
      try {
        await import(/* @vite-ignore */ pathToFileURL(path).href)
      } catch (cause) {
        throw new Error(`${where(block)} does not run: ${String(cause)}`, { cause })
      }
      printed.push(lines)
    }
    return printed
  } finally {
    console.log = log
    process.chdir(cwd)
    rmSync(folder, { recursive: true })
    rmSync(work, { recursive: true })
  }
}

/** What is wrong with what a block printed; null when it is what the block shows. */
export const refusal = (block: Block, printed: ReadonlyArray<string>): string | null => {
  const expected = shown(block.code)
  const fault = expected.findIndex((text, i) => printed[i] === undefined || !fits(printed[i], text))
  if (fault >= 0) return `${where(block)} shows "${expected[fault]}" and prints "${printed[fault] ?? "nothing"}"`
  if (printed.length > expected.length)
    return `${where(block)} prints "${printed[expected.length]}", which it does not show`
  return null
}
