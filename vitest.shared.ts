import { availableParallelism } from "node:os"
import { fileURLToPath } from "node:url"
import { configDefaults, defineConfig } from "vitest/config"

/** Tests that a plain run leaves out, by the mode that runs them: they lie in `test/<mode>`. */
const apart = ["full", "site", "slow"]

/**
 * Tests run against the TypeScript sources: the `@lpo/source` export condition picks `src` over `dist`. Whole runs of the program, kills
 * and many sandboxed programs run with `npm run test:slow`, which CI runs too; long ones (fuzzing, load, fault plans at full size) only
 * with `npm run test:full`, those of the built site with `npm run docs:check`.
 */
export default defineConfig(({ mode }) => ({
  resolve: { conditions: ["@lpo/source"] },
  ssr: { resolve: { conditions: ["@lpo/source"] } },
  test: {
    include: [apart.includes(mode) ? `{,*/,*/*/}test/${mode}/**/*.test.ts` : "{,*/,*/*/}test/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...apart.filter((name) => name !== mode).map((name) => `**/test/${name}/**`)],
    // One more than there are cores: tests that wait for a process or a server leave theirs to others.
    maxWorkers: availableParallelism() + 1,
    // Files of a worker share what they import: what belongs to the process is set back by who changes it.
    isolate: false,
    // Processes that tests start compile what they load once for all of them.
    env: { LPO_MODE: mode, NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/compile", import.meta.url)) },
    globalSetup: [fileURLToPath(new URL("packages/transformer/test/kernels.ts", import.meta.url))],
    // Of the packages that need one; a file of another package passes it by.
    setupFiles: [fileURLToPath(new URL("packages/transformer/test/setup.ts", import.meta.url))],
    testTimeout: mode === "full" ? 3_600_000 : mode === "slow" ? 180_000 : 60_000,
    hookTimeout: 60_000,
  },
}))
