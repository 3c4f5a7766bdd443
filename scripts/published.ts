/** What a release publishes: every package, and the program that puts them together. */
import { readdirSync } from "node:fs"
import { join } from "node:path"

/** Their folders, from `root`. */
export const published = (root: string): ReadonlyArray<string> => [
  ...readdirSync(join(root, "packages")).map((name) => `packages/${name}`),
  "apps/polaris",
]
