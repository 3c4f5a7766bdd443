import { defineConfig } from "vitest/config"

/** Tests run against the TypeScript sources: the `@lpo/source` export condition picks `src` over `dist`. */
export default defineConfig({
  resolve: { conditions: ["@lpo/source"] },
  ssr: { resolve: { conditions: ["@lpo/source"] } },
  test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000 },
})
