/** The pages as text: each as `…/page.md` beside its HTML, and `llms.txt`, which lists them. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { SiteConfig } from "vitepress"
import { topics } from "./guides.ts"
import { packages, titleOf } from "./navigation.ts"

/** A page without its front matter. */
const body = (text: string): string => text.replace(/^---\n[\s\S]*?\n---\n+/, "")

/** The first paragraph, on one line and without links. */
const opening = (text: string): string => {
  const paragraph = body(text)
    .split(/\n{2,}/)
    .find((part) => /^[A-Z`[]/i.test(part.trim()))
  return (paragraph ?? "")
    .replaceAll(/\[([^\]]+)\]\([^)]*\)/g, "$1")
    .replaceAll(/\s+/g, " ")
    .trim()
}

export const writeText = ({ outDir, pages, site, srcDir }: SiteConfig): void => {
  for (const page of pages) {
    const path = join(outDir, page)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, body(readFileSync(join(srcDir, page), "utf8")))
  }
  const section = (title: string, listed: ReadonlyArray<string>): string =>
    [`## ${title}\n`, ...listed.map(entry)].join("\n")
  const entry = (page: string): string => {
    const text = readFileSync(join(srcDir, page), "utf8")
    return `- [${titleOf(page)}](${site.base}${page}): ${opening(text)}`
  }
  const sections = [
    ...topics.map(({ guides, topic }) =>
      section(
        topic,
        guides.map((guide) => `guides/${guide}.md`),
      ),
    ),
    section(
      "Reference",
      packages.map((name) => `reference/${name}/index.md`),
    ),
  ]
  writeFileSync(join(outDir, "llms.txt"), `# ${site.title}\n\n> ${site.description}\n\n${sections.join("\n\n")}\n`)
}
