/** Every link from a page to a file of the repository leads somewhere, on GitHub and on the site: the file and the heading exist. */
import { existsSync } from "node:fs"
import { dirname, join, normalize } from "node:path"
import { expect, it } from "vitest"
import * as Blocks from "./Blocks.ts"

const prose = (page: string): string => Blocks.read(page).replaceAll(/^( *)```[\s\S]*?^\1```$/gm, "")

/** The name of a heading as GitHub makes it, and as the site does. */
const github = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-")
const site = (heading: string): string =>
  heading
    .normalize("NFKD")
    .replaceAll(/[\s~`!@#$%^&*()\-_+=[\]{}|\\;:"'“”‘’<>,.?/]+/g, "-")
    .replaceAll(/-{2,}|^-+|-+$/g, (dashes, at: number) => (at > 0 && dashes.length > 1 ? "-" : ""))
    .toLowerCase()

const headings = (page: string): ReadonlyArray<string> =>
  [...prose(page).matchAll(/^#{1,4} (.+)$/gm)].map(([, text]) => text.replaceAll("`", "").trim())

it("every link leads to a page and a heading", () => {
  const faults: Array<string> = []
  for (const page of [...Blocks.pages, "CONTRIBUTING.md", "SECURITY.md"]) {
    for (const [, target] of prose(page).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)) {
      const [path, anchor] = target.split("#")
      const file = path === "" ? page : normalize(join(dirname(page), path))
      // The reference is written when the site is built.
      if (file.startsWith("docs/reference/")) continue
      if (!existsSync(join(Blocks.root, file))) faults.push(`${page}: ${target}: there is no ${file}`)
      else if (anchor !== undefined) {
        const names = headings(file)
        if (!names.some((name) => github(name) === anchor)) faults.push(`${page}: ${target}: no such heading on GitHub`)
        if (!names.some((name) => site(name) === anchor)) faults.push(`${page}: ${target}: no such heading on the site`)
      }
    }
  }
  expect(faults).toEqual([])
})
