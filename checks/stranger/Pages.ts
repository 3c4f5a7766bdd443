/** The pages that a stranger follows, and the needs of each. */
import { readFileSync } from "node:fs"
import * as Blocks from "../../docs/test/Blocks.ts"

export interface Page {
  readonly name: string
  /** Followed from this heading to the next of its level; the whole page otherwise. */
  readonly heading?: string
  /** It uses a model that must be available. */
  readonly needsModel?: boolean
  /** It leaves a site, whose page must contain this. */
  readonly site?: { readonly folder: string; readonly says: RegExp }
}

export const pages: ReadonlyArray<Page> = [
  { name: "your-own-data", heading: "## The first ten minutes", needsModel: true },
  { name: "install" },
  { name: "quickstart", heading: "## Your own task" },
  { name: "verifiers/reward-server" },
  { name: "verifiers/write-your-own" },
  { name: "environments", heading: "## Write one" },
  { name: "evaluation", heading: "## Responses that you have already" },
  { name: "browser", site: { folder: "dist", says: /30 steps: reward 0\.\d+ to 0\.9\d+/ } },
]

export type Step =
  | { readonly kind: "file"; readonly name: string; readonly text: string }
  | { readonly kind: "command"; readonly text: string; readonly shows: Blocks.Block | null }

/** The name under which the reader saves a block. */
const nameOf = ({ code, file }: Blocks.Block): string | null => file ?? /^\/\/ (\S+\.[jt]s)\n/.exec(code)?.[1] ?? null

/** The files of a page, and its commands in order. A command that runs one of the files shows what that file says that it prints. */
export const steps = ({ heading, name }: Page): ReadonlyArray<Step> => {
  const path = `docs/guides/${name}.md`
  const text = readFileSync(path, "utf8")
  const from = heading === undefined ? 0 : text.indexOf(`\n${heading}\n`)
  if (from < 0) throw new Error(`${path} has no heading "${heading}"`)
  const to = heading === undefined ? -1 : text.indexOf("\n## ", from + 1)
  const line = (at: number): number => (at < 0 ? Infinity : text.slice(0, at).split("\n").length)
  const blocks = Blocks.of(path).filter((block) => block.line >= line(from) && block.line < line(to))
  const files = blocks.flatMap((block) => {
    const saved = nameOf(block)
    return saved === null ? [] : [{ saved, block }]
  })
  const commands = blocks
    .filter(({ language, needs }) => language === "sh" && needs === null)
    .flatMap(({ code }) => code.trim().split(/(?<!\\)\n/))
  if (commands.length === 0) throw new Error(`${path} has no command to follow`)
  return [
    ...files.map(({ block, saved }) => ({ kind: "file" as const, name: saved, text: block.code })),
    ...commands.map((command) => ({
      kind: "command" as const,
      text: command,
      shows: files.find(({ saved }) => command === `node ${saved}`)?.block ?? null,
    })),
  ]
}

/** What is wrong with a file's output; null if it matches its comments. */
export const refusal = (block: Blocks.Block, said: string): string | null => {
  // Node prints the type of a typed array.
  const printed = said.replaceAll(/\b(?:Float|Int)\d+Array\(\d+\) /g, "")
  const shown = Blocks.shown(block.code)
  const whole = (texts: ReadonlyArray<string>): boolean => Blocks.fits(printed, texts.join(" "))
  return whole(shown) || whole(shown.map((text) => text.replace(/; .*/, "")))
    ? null
    : `it shows ${shown.join("\n")}\nbut prints ${said}`
}
