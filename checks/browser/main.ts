/**
 * `npm run checks -- browser`: packs every package, installs them all in an empty project, and bundles each entry point that
 * docs/guides/browser.md names, with esbuild and with Vite, for a browser. Vite's bundle then runs in a real one, if there
 * is one. `checks/stranger` builds and opens the guide's own page.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as esbuild from "esbuild"
import { chromium } from "playwright-core"
import * as vite from "vite"
import * as Arguments from "../../bench/shared/Arguments.ts"
import { serve } from "../shared/Static.ts"
import * as Packed from "../shared/Packed.ts"
import * as Report from "../shared/Report.ts"

Arguments.read("npm run checks -- browser", {})
const report = Report.make("browser")
const root = mkdtempSync(join(tmpdir(), "lpo-browser-"))
const guide = readFileSync("docs/guides/browser.md", "utf8")
const entries = [...guide.matchAll(/^\| `(@lpo\/[^`]+)` \|/gm)].map(([, entry]) => entry)

const install = (): void => {
  writeFileSync(join(root, "package.json"), JSON.stringify({ private: true, type: "module" }))
  Packed.install(root, Packed.requests(Packed.libraries(Packed.pack(root)).values()))
}

const program = (all: ReadonlyArray<string>): string =>
  `${all.map((entry, i) => `import * as _${i} from "${entry}"`).join("\n")}
globalThis.entries = { ${all.map((entry, i) => `"${entry}": _${i}`).join(", ")} }`

const withEsbuild = async (entry: string): Promise<void> => {
  const { metafile, warnings } = await esbuild.build({
    stdin: { contents: program([entry]), resolveDir: root },
    bundle: true,
    platform: "browser",
    format: "esm",
    write: false,
    metafile: true,
    logLevel: "silent",
  })
  const left = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path))
  if (left.length + warnings.length > 0) throw new Error([...left, ...warnings.map(({ text }) => text)].join("\n"))
}

/** Vite replaces Node's modules with empty ones; here that is a failure. */
const withVite = async (): Promise<void> => {
  writeFileSync(join(root, "main.js"), program(entries))
  writeFileSync(join(root, "index.html"), `<title>entries</title><script type="module" src="./main.js"></script>`)
  const ofNode: Array<string> = []
  await vite.build({
    root,
    configFile: false,
    base: "./",
    logLevel: "silent",
    plugins: [
      {
        name: "no-node",
        enforce: "pre",
        resolveId: (id, importer) => {
          if (id.startsWith("node:")) ofNode.push(`${id} in ${importer}`)
        },
      },
    ],
    build: { outDir: "out", target: "es2023" },
  })
  if (ofNode.length > 0) throw new Error(ofNode.join("\n"))
}

const inChromium = async (executablePath: string): Promise<void> => {
  const server = await serve(join(root, "out"))
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] })
  try {
    const page = await browser.newPage()
    const errors: Array<string> = []
    page.on("pageerror", ({ message }) => errors.push(message))
    await page.goto(server.url)
    await page
      .waitForFunction(() => "entries" in globalThis, undefined, { timeout: 30_000 })
      .catch(() => {
        throw new Error(errors.join("\n") || "the program did not run to its end")
      })
    const seen = await page.evaluate(() => {
      // oxlint-disable-next-line typescript/no-explicit-any -- modules by name.
      const { entries } = globalThis as any
      const right = { nums: [3, 5, 7], target: 22 }
      return [
        entries["@lpo/verifiers/Countdown"].grade(right, "3 * 5 + 7", { extract: "whole" }).score,
        entries["@lpo/verifiers/MathGrade"].grade("\\frac{1}{2}", "so \\boxed{0.5}").score,
        entries["@lpo/eval/PassAtK"].passAtK(4, 2, 1),
        entries["@lpo/trainer/Registry"].make(entries["@lpo/trainer/Registry"].settings("lpo-rev")).name,
      ]
    })
    if (JSON.stringify(seen) !== JSON.stringify([1, 1, 0.5, "lpo-rev"])) throw new Error(JSON.stringify(seen))
  } finally {
    await browser.close()
    server.close()
  }
}

try {
  install()
  const executable = process.env["CHROMIUM"] ?? "/usr/bin/chromium"
  await report.run([
    ...entries.map((entry) => ({ name: `esbuild bundles ${entry}`, run: () => withEsbuild(entry) })),
    { name: `Vite bundles all ${entries.length}`, run: withVite },
    ...(existsSync(executable) ? [{ name: "the bundle runs in Chromium", run: () => inChromium(executable) }] : []),
  ])
} finally {
  rmSync(root, { recursive: true })
}
report.end()
