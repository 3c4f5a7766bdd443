/** The list of guides: every page under `guides/` has its line, and every line its page with a title. */
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { topics } from "../.vitepress/guides.ts"
import { docs, titleOf } from "../.vitepress/navigation.ts"

const listed = topics.flatMap(({ guides }) => guides)

it("lists every guide once", () => {
  const written = readdirSync(join(docs, "guides"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => path.replace(/\.md$/, ""))
  expect(listed.toSorted()).toEqual(written.toSorted())
})

it("gives every guide a title of its own", () => {
  const titles = listed.map((guide) => titleOf(`guides/${guide}.md`))
  expect(titles.filter((title, i) => titles.indexOf(title) !== i)).toEqual([])
})
