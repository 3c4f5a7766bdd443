/**
 * `npm run checks -- stranger`: follows the pages for beginners to the letter. Every package and the program are packed; then, for each
 * page, a shell in a real terminal with an empty home and an empty folder gets the page's files and commands, one after the other, and
 * nothing else. A transcript with times is printed. The model that the pages name comes from a Python package and is served as the hub
 * serves it; the packages come from a registry on this machine, as they will from npm's.
 */
import { execFileSync, spawnSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { chromium } from "playwright-core"
import * as Arguments from "../../bench/shared/Arguments.ts"
import * as Hub from "../../packages/transformer/test/hubDouble.ts"
import * as Packed from "../shared/Packed.ts"
import * as Registry from "../shared/Registry.ts"
import * as Report from "../shared/Report.ts"
import * as SmolLm2 from "../shared/SmolLm2.ts"
import { serve } from "../shared/Static.ts"
import * as Pages from "./Pages.ts"
import * as Terminal from "./Terminal.ts"

const options = Arguments.read("npm run checks -- stranger", {
  page: Arguments.many(
    "only this one",
    Pages.pages.map(({ name }) => name),
  ),
  model: Arguments.text("a folder with SmolLM2-135M-Instruct; made from a Python package otherwise", ""),
})
const report = Report.make("stranger")
const root = mkdtempSync(join(tmpdir(), "lpo-stranger-"))
const asked = Pages.pages.filter(({ name }) => options.page.length === 0 || options.page.includes(name))

/** The hub with the model of the pages; null after a loud message that it is not available. */
const hub = async (): Promise<Hub.HubDouble | null> => {
  const parts = asked.filter(({ needsModel }) => needsModel).map(({ name }) => name)
  if (parts.length === 0) return null
  const made = join(root, "model")
  const folder =
    options.model === ""
      ? Report.unlessSkipped("stranger", parts, () => {
          SmolLm2.make(made)
          return made
        })
      : options.model
  if (folder === null) return null
  const files = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))] as const)
  return Hub.start(SmolLm2.name, new Map(files))
}

/** This machine's network settings, which an empty home would lose: a stranger does not set these up. */
const network = (): Readonly<Record<string, string>> => {
  const settings = ["registry", "cafile", "proxy", "https-proxy"].flatMap((name): ReadonlyArray<[string, string]> => {
    const value = execFileSync("npm", ["config", "get", name], { encoding: "utf8" }).trim()
    return value === "null" ? [] : [[`npm_config_${name.replace("-", "_")}`, value]]
  })
  const variables = Object.entries(process.env).flatMap(([name, value]): ReadonlyArray<[string, string]> =>
    value !== undefined && /^(https?_proxy|no_proxy|NODE_EXTRA_CA_CERTS)$/i.test(name) ? [[name, value]] : [],
  )
  return Object.fromEntries([...settings, ...variables])
}

/** Throws unless the page of a built site comes to show this. */
const visit = async (folder: string, says: RegExp): Promise<void> => {
  const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium"
  if (!existsSync(executablePath)) return console.error("SKIPPED: there is no Chromium to open the page in")
  const server = await serve(folder)
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] })
  try {
    const page = await browser.newPage()
    await page.goto(server.url)
    await page.getByText(says).waitFor({ timeout: 120_000 })
  } finally {
    await browser.close()
    server.close()
  }
}

/** Follows a page in its own folder; throws what a stranger would stumble over. */
const follow = async (page: Pages.Page, registry: Registry.Registry, endpoint: string | null): Promise<void> => {
  const at = mkdtempSync(join(root, "stranger-"))
  const [home, folder] = [join(at, "home"), join(at, "empty")]
  for (const path of [home, folder]) mkdirSync(path)
  registry.introduce(home)
  const steps = Pages.steps(page)
  const terminal = await Terminal.open({
    home,
    folder,
    state: at,
    env: {
      ...network(),
      PATH: [dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(":"),
      ...(endpoint === null ? {} : { HF_ENDPOINT: endpoint }),
    },
  })
  let total = 0
  const command = async (text: string): Promise<Terminal.Ran> => {
    for (const step of steps) {
      const path = step.kind === "file" ? join(terminal.folder(), step.name) : null
      if (step.kind !== "file" || path === null || existsSync(path)) continue
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, step.text)
    }
    const ran = await terminal.run(text)
    total += ran.seconds
    console.log(`$ ${text.replaceAll("\n", "\n> ")}  # ${ran.seconds.toFixed(0)} s\n${ran.said}`)
    // A server is ended with Ctrl-C.
    if (ran.code !== 0 && !(ran.code === 130 && / serve\b/.test(text)))
      throw new Error(`${text} ends with exit code ${ran.code}:\n${ran.said}`)
    return ran
  }
  try {
    console.log(`\n--- docs/guides/${page.name}.md`)
    // As the page on installing begins a project, where the page itself does not.
    if (!steps.some((step) => step.kind === "command" && step.text.startsWith("npm init")))
      await command("npm init --yes && npm pkg set type=module")
    for (const step of steps) {
      if (step.kind === "file") continue
      const { said } = await command(step.text)
      const fault = step.shows === null ? null : Pages.refusal(step.shows, said)
      if (fault !== null) throw new Error(`${step.text}: ${fault}`)
    }
    if (page.site !== undefined) await visit(join(terminal.folder(), page.site.folder), page.site.says)
    console.log(`--- ${(total / 60).toFixed(1)} min in all`)
    if (total > 600) throw new Error(`the page takes ${(total / 60).toFixed(1)} minutes, more than ten`)
  } finally {
    terminal.close()
  }
}

/** The shell that pages are followed in needs a terminal. */
const hasTmux = spawnSync("tmux", ["-V"]).status === 0
try {
  if (!hasTmux) console.error("SKIPPED: there is no tmux, so no page can be followed in a terminal")
  else {
    const registry = await Registry.start(Packed.pack(root))
    const model = await hub()
    const can = asked.filter(({ needsModel }) => needsModel !== true || model !== null)
    await report.run(
      can.map((page) => ({
        name: `docs/guides/${page.name}.md can be followed to the letter`,
        run: () => follow(page, registry, model?.endpoint ?? null),
      })),
    )
    await model?.close()
    registry.close()
  }
} finally {
  rmSync(root, { recursive: true, force: true })
}
report.end()
