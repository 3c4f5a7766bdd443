import { configDefaults, defineConfig } from "vitest/config"

/**
 * Tests run against the TypeScript sources: the `@lpo/source` export condition picks `src` over `dist`. Long ones (fuzzing,
 * load, fault plans at full size) lie in `test/full` and run only with `npm run test:full`.
 */
export default defineConfig(({ mode }) => ({
  resolve: { conditions: ["@lpo/source"] },
  ssr: { resolve: { conditions: ["@lpo/source"] } },
  test: {
    include: [mode === "full" ? "test/full/**/*.test.ts" : "test/**/*.test.ts"],
    exclude: mode === "full" ? configDefaults.exclude : [...configDefaults.exclude, "test/full/**"],
    testTimeout: mode === "full" ? 1_200_000 : 60_000,
    hookTimeout: 60_000,
  },
}))
