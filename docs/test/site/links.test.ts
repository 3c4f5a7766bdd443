/** The files of the site: every link, anchor and image leads somewhere, every page is there as Markdown, and says what it is for. */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { expect, it } from "vitest"
import { packages } from "../../.vitepress/navigation.ts"
import * as Site from "./Site.ts"

const files = readdirSync(Site.folder, { recursive: true, encoding: "utf8" })
const pages = files.filter((path) => path.endsWith(".html") && path !== "404.html")
const texts = new Map(pages.map((page) => [page, readFileSync(join(Site.folder, page), "utf8")]))
const ids = new Map(
  [...texts].map(([page, text]) => [page, new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id))]),
)

const isOutside = (target: string): boolean => /^(https?|mailto|data):/.test(target)

/** Why a link of a page leads nowhere; null when it does not. */
const fault = (page: string, target: string): string | null => {
  const [path, anchor] = target.replaceAll("&amp;", "&").split("#")
  if (path.startsWith("/")) return "is not relative"
  const file = path === "" ? page : relative(Site.folder, resolve(Site.folder, dirname(page), decodeURIComponent(path)))
  if (!existsSync(join(Site.folder, file)) || statSync(join(Site.folder, file)).isDirectory()) return `no file ${file}`
  if (anchor === undefined || anchor === "" || !file.endsWith(".html")) return null
  return ids.get(file)?.has(decodeURIComponent(anchor)) ? null : `no #${anchor} in ${file}`
}

it("every link, script, style and image is there, with its anchor", () => {
  expect(pages.length).toBeGreaterThan(150)
  const faults = new Set<string>()
  for (const [page, text] of texts)
    for (const [, , target] of text.matchAll(/<[a-z][^>]* (href|src)="([^"]+)"/g)) {
      const said = isOutside(target) ? null : fault(page, target)
      if (said !== null) faults.add(`${page}: ${target}: ${said}`)
    }
  expect([...faults]).toEqual([])
})

it("every image says what it shows", () => {
  const bare = [...texts].flatMap(([page, text]) =>
    [...text.matchAll(/<img\b[^>]*>/g)].filter(([tag]) => !/ alt(="|[ >])/.test(tag)).map(([tag]) => `${page}: ${tag}`),
  )
  expect(bare).toEqual([])
})

it("every page has one heading of the first rank", () => {
  const wrong = [...texts].filter(([, text]) => text.match(/<h1\b/g)?.length !== 1).map(([page]) => page)
  expect(wrong).toEqual([])
})

it("every page is there as Markdown, and its links lead on", () => {
  const faults: Array<string> = []
  for (const page of pages) {
    const path = page.replace(/\.html$/, ".md")
    if (!existsSync(join(Site.folder, path))) {
      faults.push(path)
      continue
    }
    const prose = readFileSync(join(Site.folder, path), "utf8")
      .replaceAll(/^( *)```[\s\S]*?^\1```$/gm, "")
      .replaceAll(/`[^`\n]*`/g, "``")
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      const said = isOutside(target) ? null : fault(path, target)
      if (said !== null) faults.push(`${path}: ${target}: ${said}`)
    }
  }
  expect(faults).toEqual([])
})

it("llms.txt lists the guides and the packages", () => {
  const text = readFileSync(join(Site.folder, "llms.txt"), "utf8")
  const listed = [...text.matchAll(/^- \[[^\]]+\]\(([^)]+)\)/gm)].map(([, target]) => target)
  expect(listed.filter((target) => fault("index.html", target) !== null)).toEqual([])
  const guides = pages.filter((page) => page.startsWith("guides/")).length
  expect(listed).toHaveLength(guides + packages.length)
})

it("every page of the reference opens with what it is for", () => {
  const blank = pages
    .filter((page) => page.startsWith("reference/"))
    .filter((page) => {
      const text = readFileSync(join(Site.folder, page.replace(/\.html$/, ".md")), "utf8")
      return !/^# .+\n\n[\p{L}`].{10}/u.test(text)
    })
  expect(blank, "give the file's header comment the tag @module").toEqual([])
})
