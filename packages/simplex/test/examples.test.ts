/** The examples in the documentation, run: what their comments say is what they give, and every function has one. */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Simplex from "@lpo/simplex"
import { describe, expect, it } from "vitest"

const folder = fileURLToPath(new URL("../examples/", import.meta.url))
const files = readdirSync(folder)

/** Equal, numbers to the six digits that an example shows. */
const same = (actual: unknown, shown: unknown, where: string): void => {
  if (typeof shown === "number") {
    expect(Math.abs((actual as number) - shown), where).toBeLessThanOrEqual(6e-6 * Math.abs(shown) + 1e-12)
  } else if (Array.isArray(shown)) {
    expect((actual as ArrayLike<unknown>).length, where).toBe(shown.length)
    for (const [i, v] of shown.entries()) same((actual as ArrayLike<unknown>)[i], v, `${where}[${i}]`)
  } else if (shown !== null && typeof shown === "object") {
    for (const [key, v] of Object.entries(shown)) same((actual as Record<string, unknown>)[key], v, `${where}.${key}`)
  } else expect(actual, where).toBe(shown)
}

describe.each(files)("%s", (file) => {
  it("gives what its comments show", async () => {
    const source = readFileSync(folder + file, "utf8")
    const values = (await import(/* @vite-ignore */ new URL(`../examples/${file}`, import.meta.url).href)) as Record<
      string,
      unknown
    >
    const shown = [...source.matchAll(/export const (\w+) = [\s\S]*?\/\/ => (.*)/g)]
    expect(shown.map(([, name]) => name).toSorted()).toEqual(Object.keys(values).toSorted())
    for (const [, name, comment] of shown) {
      // A remark may follow the value.
      const value = /^(?:"[^"]*"|[^"])*?(?=;)|.*/.exec(comment)?.[0] ?? comment
      same(values[name], JSON.parse(value), `${file} ${name}`)
    }
  })
})

/** Those that check arguments or are only data have nothing to show. */
const plain = new Set(["gibbsTarget", "chi2Target"])

it("every public function and value has an example that its documentation includes", () => {
  const sources = ["", "divergence/"].flatMap((part) => {
    const at = fileURLToPath(new URL(`../src/${part}`, import.meta.url))
    return readdirSync(at)
      .filter((f) => f.endsWith(".ts"))
      .map((f) => readFileSync(at + f, "utf8"))
  })
  for (const [module, exports] of Object.entries(Simplex)) {
    if (module === "SimplexError") continue
    const example = readFileSync(`${folder}${module}.ts`, "utf8")
    for (const name of Object.keys(exports)) {
      if (plain.has(name)) continue
      expect(example, `${module}.${name}`).toContain(`// #region ${name}\n`)
      const included = new RegExp(`includeCode \\S*examples/${module}\\.ts#import,(group,)?${name}\\}`)
      expect(
        sources.some((source) => included.test(source)),
        `${module}.${name} includes its example`,
      ).toBe(true)
    }
  }
})
