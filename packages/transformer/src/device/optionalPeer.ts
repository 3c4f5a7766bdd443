/** Loading packages that are optional peers: a user who wants a backend installs them, and everyone else never downloads them. */
import { createRequire } from "node:module"
import { join } from "node:path"

const places = [createRequire(import.meta.url), createRequire(join(process.cwd(), "package.json"))]

const missing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND"

/** Whether a package can be found from here or from the working folder. */
export const installed = (name: string): boolean =>
  places.some((require) => {
    try {
      require.resolve(name)
      return true
    } catch {
      return false
    }
  })

/**
 * A CommonJS package, looked for from here and then from the working folder, where an application has its own. Throws an `Error`
 * with the command that installs it, or with what went wrong while it was loaded.
 */
export const load = (name: string, install: string): unknown => {
  for (const require of places) {
    let path: string
    try {
      path = require.resolve(name)
    } catch (cause) {
      if (missing(cause)) continue
      throw cause
    }
    return require(path) as unknown
  }
  throw new Error(`the package ${name} is not installed; npm install ${install}`)
}
