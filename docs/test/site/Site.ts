/** The site as `npm run docs` built it, served under a path of its own, and a real browser to open it with. */
import { existsSync, readFileSync } from "node:fs"
import { createServer } from "node:http"
import { createRequire } from "node:module"
import { extname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { fileURLToPath } from "node:url"
import { type Browser, chromium, type Page } from "playwright-core"
import { afterAll, beforeAll, expect } from "vitest"

export const folder = fileURLToPath(new URL("../../site", import.meta.url))
export const executable = process.env["CHROMIUM"] ?? "/usr/bin/chromium"
export const missing = !existsSync(executable)
if (missing) console.warn(`SKIPPED the site in a real browser: no ${executable}; install Debian's chromium`)

const types: Readonly<Record<string, string>> = {
  ".css": "text/css",
  ".html": "text/html",
  ".js": "text/javascript",
  ".json": "application/json",
  ".md": "text/markdown",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
}

/** Serves the folder under `/some/where/`, so that a link that is not relative misses it. */
const serve = () =>
  createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost")
    const path = join(
      folder,
      decodeURIComponent(pathname)
        .replace(/^\/some\/where\//, "")
        .replace(/(^|\/)$/, "$1index.html"),
    )
    if (!pathname.startsWith("/some/where/") || !existsSync(path)) {
      response.writeHead(404).end()
      return
    }
    // Text is packed, as hosts do.
    const type = types[extname(path)] ?? "application/octet-stream"
    const body = readFileSync(path)
    const isText = /text|json|svg/.test(type)
    response.writeHead(200, { "content-type": type, ...(isText ? { "content-encoding": "gzip" } : {}) })
    response.end(isText ? gzipSync(body, { level: 4 }) : body)
  })

/** For the tests of a file: the site at `url()`, and `browser()`. */
export const open = () => {
  const server = serve()
  let started: Browser | undefined
  beforeAll(async () => {
    expect(existsSync(join(folder, "index.html")), "npm run docs builds the site first").toBe(true)
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    if (!missing)
      started = await chromium.launch({ executablePath: executable, args: ["--no-sandbox", "--disable-gpu"] })
  })
  afterAll(async () => {
    await started?.close()
    server.close()
  })
  return {
    url: (page: string): string => {
      const address = server.address()
      if (address === null || typeof address === "string") throw new Error("the site is not served")
      return `http://127.0.0.1:${address.port}/some/where/${page}`
    },
    browser: (): Browser => {
      if (started === undefined) throw new Error(`there is no ${executable}`)
      return started
    },
  }
}

interface Violation {
  readonly id: string
  readonly impact: string
  readonly nodes: ReadonlyArray<{ readonly target: ReadonlyArray<string> }>
}

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js")

/** What keeps somebody from using a page as it now is: the serious and the critical faults that axe finds, and where. */
export const faults = async (page: Page): Promise<ReadonlyArray<string>> => {
  await page.evaluate(readFileSync(axe, "utf8"))
  const found = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run: () => Promise<{ violations: ReadonlyArray<Violation> }> } }
    return (await axe.run()).violations
  })
  return found
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .slice(0, 3)
          .map(({ target }) => target.join(" "))
          .join(", ")}`,
    )
}
