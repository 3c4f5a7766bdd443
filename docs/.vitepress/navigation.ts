/** The sidebar: guides by topic, and apart from them the reference as TypeDoc wrote it. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import type { DefaultTheme } from "vitepress"
import { topics } from "./guides.ts"

export const docs = fileURLToPath(new URL("..", import.meta.url))

/** Of a page: `title:` of its front matter, or else its first heading. */
export const titleOf = (path: string): string => {
  const text = readFileSync(join(docs, path), "utf8")
  const title = /^---\n[\s\S]*?^title: *(.+)$[\s\S]*?^---$/m.exec(text)?.[1] ?? /^# (.+)$/m.exec(text)?.[1]
  if (title === undefined) throw new Error(`${path} has no title: give its front matter one, as in "title: Quickstart"`)
  return title.replace(/^(["'])(.*)\1$/, "$2")
}

export const guides = (): ReadonlyArray<DefaultTheme.SidebarItem> =>
  topics.map(({ topic, guides: pages }) => ({
    text: topic,
    collapsed: false,
    items: pages.map((page) => ({ text: titleOf(`guides/${page}.md`), link: `/guides/${page}`.replace(/index$/, "") })),
  }))

const byName = (a: string, b: string): number => (a < b ? -1 : 1)

/** The namespaces of a folder of the reference, those inside one another included. */
const namespaces = (folder: string): Array<DefaultTheme.SidebarItem> =>
  readdirSync(join(docs, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || entry.name !== "index.md")
    .map((entry) => (entry.isDirectory() ? `${entry.name}/` : basename(entry.name, ".md")))
    .sort(byName)
    .map((name) => {
      const link = `/${folder}/${name}`
      if (!name.endsWith("/")) return { text: name, link }
      const text = name.slice(0, -1)
      return { text, link, collapsed: true, items: namespaces(`${folder}/${text}`) }
    })

/** The packages in the order in which they build on each other. */
export const packages = ["simplex", "rollout", "verifiers", "trainer", "eval", "transformer", "tinker"]

export const reference = (): ReadonlyArray<DefaultTheme.SidebarItem> => {
  if (!existsSync(join(docs, "reference/index.md"))) throw new Error("there is no reference yet: run npm run docs")
  return packages.map((name) => ({
    text: `@lpo/${name}`,
    link: `/reference/${name}/`,
    collapsed: true,
    items: namespaces(`reference/${name}`),
  }))
}
