/** What a browser bundle pays for the package: the parts it uses and nothing else, no dependency, nothing run at import. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { gzipSync } from "node:zlib"
import { rolldown } from "rolldown"
import { expect, it } from "vitest"

const here = fileURLToPath(new URL(".", import.meta.url))

/** Minified code of a program that imports from the package, as a browser gets it. */
const bundle = async (program: string): Promise<string> => {
  const build = await rolldown({
    input: "program",
    platform: "browser",
    resolve: { conditionNames: ["@lpo/source", "import"] },
    plugins: [
      {
        name: "program",
        resolveId: (id) => (id === "program" ? `${here}program.js` : null),
        load: (id) => (id === `${here}program.js` ? program : null),
      },
    ],
  })
  try {
    const { output } = await build.generate({ format: "esm", minify: true })
    expect(output).toHaveLength(1)
    expect(output[0].imports).toEqual([])
    return output[0].code
  } finally {
    await build.close()
  }
}
const size = async (program: string): Promise<number> => gzipSync(await bundle(program), { level: 9 }).length

it("importing forward KL alone adds under 3 kB, minified and gzipped", async () => {
  const bytes = await size(`import { Divergence } from "@lpo/simplex"; globalThis.d = Divergence.forwardKl`)
  expect(bytes).toBeGreaterThan(200)
  expect(bytes).toBeLessThan(3000)
})

it("target and coefficients, all a trainer needs, stay under 3 kB too", async () => {
  const bytes = await size(
    `import { Divergence, Projection, Target } from "@lpo/simplex"
     globalThis.step = (r, s) => Projection.coefficients(Divergence.forwardKl, s, Target.logGibbs(r, 1))`,
  )
  expect(bytes).toBeLessThan(3000)
})

it("an import that is not used adds nothing", async () => {
  expect(await bundle(`import * as simplex from "@lpo/simplex"; globalThis.x = 1`)).toMatch(
    /^globalThis\.x=1;?\s*(\/\/.*)?$/,
  )
})

it("the bundle computes in a bare JavaScript world", async () => {
  const code = await bundle(
    `import { Fused, Target } from "@lpo/simplex"
     globalThis.result = [...Target.gibbs([1, 0], 1), ...Fused.forwardKl(Float64Array.of(1, 0), 1, Float64Array.of(0, 0), null, new Float64Array(2))]`,
  )
  const { createContext, runInContext } = await import("node:vm")
  const world = createContext({})
  runInContext(code, world)
  const w = 1 / (1 + Math.exp(-1))
  for (const [i, v] of [w, 1 - w, 0.5 - w, w - 0.5].entries())
    expect((world.result as Array<number>)[i]).toBeCloseTo(v, 14)
})

it("has no dependency", () => {
  const manifest = JSON.parse(readFileSync(`${here}../package.json`, "utf8")) as Record<string, object | undefined>
  for (const kind of ["dependencies", "peerDependencies", "optionalDependencies"])
    expect(Object.keys(manifest[kind] ?? {})).toEqual([])
})
